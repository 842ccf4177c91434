"use strict";

// What faults ask of any page: a question before its deed, a window that nobody wanted.

(() => {
  let { asks, popup } = document.currentScript.dataset;

  // Whether to go on with a deed: yes, unless the page is told to ask and the answer is no.
  window.mayGoOn = () => asks !== "true" || confirm("提交后不可撤销，是否确认提交？");

  // A single page sets this anew with each screen.
  window.beTroubled = (dress) => {
    asks = String(dress.asks);
    if (!dress.popup) return;
    const other = window.open("about:blank", "_blank");
    if (!other) return;
    other.document.title = "用户满意度调查";
    other.document.body.innerHTML = "<p style='background:#c00;color:#fff'>仿真环境</p><h1>用户满意度调查</h1><p>请您对本次服务作出评价。</p>";
  };
  window.beTroubled({ asks: asks === "true", popup: popup === "true" });
})();
