"use strict";

// The home page: a menu whose levels open in poppers at the end of the body.

(() => {
  const { h, notice, nextZ } = ui;
  const { entry, dress } = window.__CONFIG__;
  const word = (text) => dress.moved[text] || text;
  const open = [];

  function popper(level, items, left, top) {
    while (open.length > level) open.pop().remove();
    const element = h("div.el-popper.is-pure.is-light.el-menu--popup-container", { role: "tooltip", style: `position: absolute; left: ${left}px; top: ${top}px; z-index: ${nextZ()}` },
      h("ul.el-menu.el-menu--popup", { role: "menu" }, items.map(([words, act]) =>
        h("li.el-menu-item", { role: "menuitem", tabindex: "-1", onclick: (event) => act && act(event.currentTarget) }, h("span", {}, words)))));
    document.body.append(element);
    open.push(element);
  }
  const beside = (item) => {
    const box = item.closest(".el-popper").getBoundingClientRect();
    return [box.right + 4, box.top + scrollY];
  };

  const insure = (item) => popper(3, [["综合险投保"], ["小微投保", () => { location.href = entry; }]], ...beside(item));
  const sinosure = (item) => popper(2, [["产品介绍"], [word("我要投保"), insure], ["我要理赔"]], ...beside(item));
  const finance = (item) => popper(1, [["中国银行"], ["中国建设银行"], ["中国出口信用保险公司", sinosure], ["中国人民财产保险股份有限公司"]], ...beside(item));
  const apps = (title) => {
    const box = title.getBoundingClientRect();
    popper(0, [["标准版应用"], ["口岸物流"], ["金融服务", finance], ["跨境电商"]], box.left, box.bottom + scrollY);
  };

  const item = (words) => h("li.el-menu-item", { role: "menuitem", tabindex: "0" }, words);
  document.getElementById("app").append(
    h("header.el-header.top", {}, h("div.logo", {}, "中国国际贸易单一窗口"),
      h("ul.el-menu.el-menu--horizontal", { role: "menubar" }, item("首页"),
        h("li.el-sub-menu", { role: "menuitem", "aria-haspopup": "true" }, h("div.el-sub-menu__title", { onclick: (event) => apps(event.currentTarget) }, "业务应用", h("i.el-icon.el-sub-menu__icon-arrow", {}, "▾"))),
        item("政务公开"), item("数据服务"), item("帮助中心"))),
    h("main.el-main.home", {}, h("div.hero", {}, h("h1", {}, "一个平台　一次提交　一次办理"), h("p", {}, "面向外贸企业的一站式服务平台")),
      h("div.el-card.is-always-shadow", {}, h("div.el-card__header", {}, "通知公告"), h("div.el-card__body", {}, h("p", {}, "关于小微企业出口信用保险续转工作的通知"), h("p", {}, "关于电子口岸法人卡证书延期办理的提示")))));
  notice(dress);
  beTroubled(dress);
})();
