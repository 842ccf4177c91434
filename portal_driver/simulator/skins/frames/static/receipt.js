"use strict";

// 收悉: one request per press; what it did is shown on the spot.

(() => {
  const button = document.getElementById("receive");
  if (!button) return;
  const message = document.getElementById("message");

  function say(words, isBad) {
    message.textContent = words;
    message.classList.toggle("form-error", isBad);
    message.hidden = false;
  }

  button.addEventListener("click", async () => {
    if (!mayGoOn()) return;
    button.disabled = true;
    try {
      const answer = await (await fetch(button.dataset.url, { method: "POST" })).json();
      say(answer.message, !answer.success);
      if (!answer.success) return;
      document.getElementById("state").textContent = "已收悉";
      button.remove();
    } catch {
      say("网络异常，请刷新页面后重试", true);
    }
  });
})();
