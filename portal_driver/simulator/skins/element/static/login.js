"use strict";

// Signing in: the challenge is fetched when the tab of the card is opened.

(() => {
  const { h, button, input, message, notice, request, tabs, whileLoading } = ui;
  const config = window.__CONFIG__;
  const word = (text) => config.dress.moved[text] || text;
  const panel = h("div.el-tabs__content");
  const card = h("div.login-box");

  function draw(active) {
    card.replaceChildren(h("h2", {}, "用户登录"), tabs([["account", "账号登录"], ["card", word("卡介质")], ["scan", "扫码登录"]], active, draw), panel);
    if (active === "card") return drawCard();
    panel.replaceChildren(h("div.el-tab-pane", { role: "tabpanel" }, active === "account" ? "金融服务请使用卡介质登录。" : "仿真环境不提供扫码登录。"));
  }

  async function drawCard() {
    const pin = input("卡密码", "请输入卡密码", { type: "password", maxlength: 16 });
    const said = h("div.el-alert.el-alert--error.is-light", { role: "alert", style: "display: none" });
    const submit = button("登录", { type: "primary", size: "large", onclick: () => pressed() });
    panel.replaceChildren(h("div.el-tab-pane", { role: "tabpanel" }, said, pin.element, submit, h("p.tip", {}, "未安装控件？", h("a.el-link", {}, "下载控件"), "（安装时请选择金税盘）")));
    let { data } = await request("GET", config.challenge);

    function say(words) {
      said.replaceChildren(h("div.el-alert__content", {}, h("span.el-alert__title", {}, words)));
      said.style.display = "";
    }
    async function signIn() {
      const typed = pin.real.value;
      pin.real.value = "";
      let signed;
      try {
        signed = await signWithCard(data.control, data.challenge.random, typed);
      } catch (error) {
        return say(explainCard(error));
      }
      const answer = await request("POST", config.login, { icCard: signed.card, certNo: signed.certificate, signData: signed.signature, ...data.challenge });
      if (answer.code !== 0) {
        data = answer.data.challenge ? answer.data : data;
        return say(answer.msg);
      }
      message("登录成功");
      location.href = answer.data.entry;
    }
    function pressed() {
      said.style.display = "none";
      if (!pin.real.value) return say("请输入卡密码");
      whileLoading(submit, signIn());
    }
  }

  document.getElementById("app").append(h("div.login-page", {}, h("div.logo", {}, "中国国际贸易单一窗口　统一身份认证"), card));
  draw("account");
  notice(config.dress);
  beTroubled(config.dress);
})();
