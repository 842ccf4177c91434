"use strict";

// Counts the seconds that the application must be read; the server counts them too.

(() => {
  const words = document.getElementById("count");
  const until = Date.now() + Number(words.dataset.seconds) * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    words.textContent = left > 0 ? "请认真阅读，还需 " + left + " 秒" : "您已阅读完毕，可以返回";
    if (left > 0) setTimeout(tick, 200);
  };
  tick();
})();
