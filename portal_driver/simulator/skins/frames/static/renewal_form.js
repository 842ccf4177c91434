"use strict";

// Ticking the box opens the 续转申请单. It can be closed when it was open for long enough; the
// server measures that by its own clock and is told when the form is closed.

(() => {
  const box = document.getElementById("agree");
  const form = document.getElementById("confirm-form");
  const seconds = Number(form.dataset.readSeconds);

  function layer() {
    const element = document.createElement("div");
    element.innerHTML = `
      <div class="layui-layer-shade"></div>
      <div class="layui-layer layui-layer-page">
        <div class="layui-layer-title">续转申请单</div>
        <div class="layui-layer-content"><iframe name="renewalForm" src="/xwby/renewal-form"></iframe></div>
        <div class="layui-layer-btn">
          <span class="countdown"></span>
          <a href="javascript:;" class="btn btn-off">关闭</a>
          <a href="javascript:;" class="btn btn-plain btn-off">返回</a>
        </div>
      </div>`;
    return element;
  }

  function open() {
    const element = layer();
    const words = element.querySelector(".countdown");
    const ways = element.querySelectorAll("a.btn");
    words.textContent = `请认真阅读 ${seconds} 秒`;
    for (const way of ways) way.addEventListener("click", () => way.classList.contains("btn-off") || close(element));
    element.querySelector("iframe").addEventListener("load", () => count(words, ways, performance.now()), { once: true });
    document.body.append(element);
  }

  function count(words, ways, since) {
    const left = Math.ceil(seconds - (performance.now() - since) / 1000);
    if (left > 0) {
      words.textContent = `请认真阅读，还需 ${left} 秒`;
      setTimeout(count, 200, words, ways, since);
      return;
    }
    words.textContent = "您已阅读完毕";
    for (const way of ways) way.classList.remove("btn-off");
  }

  async function close(element) {
    const words = element.querySelector(".countdown");
    try {
      const response = await fetch("/xwby/renewal-form/close", { method: "POST" });
      const answer = await response.json();
      if (!answer.success) box.checked = false;
      if (answer.success) element.remove();
      else words.textContent = answer.message;
    } catch {
      words.textContent = "网络异常，请刷新页面后重试";
    }
  }

  box.addEventListener("change", () => box.checked && open());
})();
