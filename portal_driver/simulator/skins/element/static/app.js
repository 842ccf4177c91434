"use strict";

// The business system: one document, its routes in the history, its data by fetch.

(() => {
  const { h, button, checkbox, descriptions, dialog, input, loading, message, notice, pagination, request, setDisabled, table, tabs, whileLoading } = ui;
  const { api, base, readSeconds } = window.__CONFIG__;
  const app = document.getElementById("app");
  const main = h("main.el-main");
  let word = (text) => text;
  let unreceived = 0;

  const ROUTE_OF = { system: "dashboard", workspace: "workbench", company: "enterprise" };
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  function go(route, { replace = false } = {}) {
    history[replace ? "replaceState" : "pushState"]({}, "", `${base}/${route}`);
    return show();
  }
  const goNext = (answer) => go(ROUTE_OF[answer.next] || answer.next);

  async function show() {
    const route = location.pathname.slice(base.length + 1);
    main.replaceChildren();
    drawMenu(route);
    try {
      await (ROUTES[route] || showWorkbench)();
    } catch (error) {
      main.replaceChildren(h("div.el-empty", {}, h("div.el-empty__description", {}, h("p", {}, "数据加载失败"))));
    }
  }

  // What a screen says of itself; a company that stands elsewhere is led there.
  async function fetchScreen(path) {
    const answer = await loading(request("GET", api + path));
    if (answer.code !== 0) {
      message(answer.msg, "error");
      throw new Error(answer.msg);
    }
    if (answer.next) {
      await goNext(answer);
      return null;
    }
    word = (text) => answer.data.dress.moved[text] || text;
    notice(answer.data.dress);
    beTroubled(answer.data.dress);
    return answer.data;
  }

  async function act(element, method, path, body) {
    if (!mayGoOn()) return null;
    const answer = await whileLoading(element, request(method, api + path, body)).catch(() => null);
    if (answer && answer.code !== 0) message(answer.msg, "error");
    return answer && answer.code === 0 ? answer : null;
  }

  // --- around -------------------------------------------------------------------------------------

  let entry = "信用保险系统";
  const menu = h("ul.el-menu.el-menu--vertical", { role: "menubar" });
  function drawMenu(route) {
    const item = (key, words) => h("li.el-menu-item" + (key === route ? ".is-active" : ""), { role: "menuitem", tabindex: "-1", onclick: () => go(key) }, h("i.el-icon"), h("span", {}, words));
    menu.replaceChildren(item("workbench", "工作台"), item("enterprise", "企业信息"), item("dashboard", entry));
  }
  function withTabs(active, ...content) {
    main.replaceChildren(tabs([["dashboard", "首页"], ["applications", word("投保申请")], ["policies", word("保险单"), unreceived]], active, go), ...content);
  }
  async function boot() {
    const { data } = await loading(request("GET", api + "/user/profile"));
    entry = data.dress.moved[entry] || entry;
    app.replaceChildren(h("section.el-container.is-vertical", {},
      h("header.el-header.bar", {}, h("div.logo", {}, "信用保险服务平台"), h("span.el-dropdown-link", {}, `欢迎您，${data.company.name}`)),
      h("section.el-container", {}, h("aside.el-aside", {}, menu), main)));
    notice(data.dress);
    beTroubled(data.dress);
    await show();
  }

  // --- screens --------------------------------------------------------------------------------------

  async function showWorkbench() {
    main.replaceChildren(h("div.el-card", {}, h("div.el-card__body", {}, "欢迎使用信用保险服务平台，请从左侧菜单选择功能。办理前请先核查贵司的统一社会信用代码是否正确。")));
  }

  async function showCompany() {
    const data = await fetchScreen("/enterprise");
    if (!data) return;
    main.replaceChildren(h("h3", {}, "企业信息"), descriptions([["企业名称", data.company.name], [word("统一社会信用代码"), data.company.uscc], ["登录方式", "卡介质（法人卡）"]]));
  }

  async function showDashboard() {
    const data = await fetchScreen("/dashboard");
    if (!data) return;
    unreceived = data.unreceived;
    const banner = data.is_pending
      ? h("div.el-alert.el-alert--warning.is-light", { role: "alert" }, h("div.el-alert__content", {}, h("span.el-alert__title", {}, "您有一份待确认小微信保易保单，请查看保单"), button(word("查看保单"), { type: "primary", link: true, onclick: () => go("pending") })))
      : h("div.el-alert.el-alert--info.is-light", { role: "alert" }, h("span.el-alert__title", {}, "暂无待办事项"));
    withTabs("dashboard", banner, descriptions([["投保人", data.company.name], ["统一社会信用代码", data.company.uscc], ["保单年度", `${data.year} 年`]]));
  }

  function stepPage(data, title, ...content) {
    const steps = ["投保确认", "制章", "协议签署", "企业数据授权", "完成"];
    const at = { pending: 0, sealing: 1, signing: 2, authorizing: 3 }[data.step] ?? 4;
    withTabs("dashboard", h("div.el-page-header", {}, `小微信保易 ${data.year} 年度投保`),
      descriptions([["投保人", data.company.name], ["统一社会信用代码", data.company.uscc]]),
      data.first_time ? h("div.el-steps.el-steps--horizontal", {}, steps.map((name, place) => h("div.el-step.is-horizontal", {}, h("div.el-step__head.is-" + (place < at ? "finish" : place === at ? "process" : "wait"), {}, h("div.el-step__icon.is-text", {}, h("div.el-step__icon-inner", {}, String(place + 1)))), h("div.el-step__main", {}, h("div.el-step__title", {}, name))))) : null,
      h("div.el-card.is-always-shadow", {}, h("div.el-card__header", {}, title), h("div.el-card__body", {}, content)));
  }

  async function showPending() {
    const data = await fetchScreen("/renewals/pending");
    if (!data) return;
    const required = (words) => (value) => (value.trim() ? "" : words);
    const name = input("姓名", "请输入姓名", { maxlength: 30, check: required("请填写姓名") });
    const mobile = input("手机", "请输入手机号码", { maxlength: 11, check: required("请填写手机号码") });
    const email = input("邮箱", "请输入邮箱，请不要带中划线或下划线等特殊符号", { maxlength: 60, check: required("请填写邮箱") });
    const agree = checkbox("已认真阅读以上内容并同意", (checked) => {
      setDisabled(submit, true);
      if (checked) openForm(agree, () => setDisabled(submit, false));
    });
    const submit = button(word("确认投保"), { type: "primary", size: "large", disabled: true, onclick: send });
    async function send() {
      if (![name, mobile, email].every((field) => field.validate())) return;
      const answer = await act(submit, "POST", "/renewals", { contactName: name.real.value, mobile: mobile.real.value, email: email.real.value, agreed: agree.checked });
      if (answer) await goNext(answer);
    }
    stepPage(data, "投保联系人", h("form.el-form.el-form--default", {}, name.element, mobile.element, email.element),
      h("div.terms.el-scrollbar__wrap", {}, h("p", {}, "一、投保人应当如实告知其出口业务情况。"), h("p", {}, "二、本保险由政府统一投保，保险费由政府支付。投保人确认投保后，保险人将在审核通过后签发电子保险单。"), h("p", {}, "三、投保人已知悉保险责任、责任免除、赔偿处理等条款，并同意以电子方式订立保险合同。")),
      h("div.row", {}, agree.element), h("div.row", {}, submit));
  }

  async function openForm(box, done) {
    const answer = await loading(request("GET", api + "/renewals/form")).catch(() => null);
    if (!answer || answer.code !== 0) return box.set(false);
    const { company, year, today, dress } = answer.data;
    const count = h("span.count");
    const back = button("返回", { disabled: true, onclick: close });
    const shut = button("关闭", { type: "primary", disabled: true, onclick: close });
    const shown = dialog("续转申请单", h("div.paper", {}, h("h2", {}, "小微信保易续转申请单"), h("p", {}, `（${year} 年度）`),
      descriptions([["投保人名称", company.name], ["统一社会信用代码", company.uscc], ["险种", "短期出口信用保险 小微企业综合保险（小微信保易）"], ["保险费", "由地方政府统一支付，企业无需缴费"], ["申请日期", today]]),
      h("p", {}, `本企业申请续转 ${year} 年度小微信保易保险单，并确认上述资料真实、准确、完整。`)), [count, back, shut], { closable: false });
    notice(dress);
    beTroubled(dress);
    async function close() {
      const closed = await whileLoading(shut, request("POST", api + "/renewals/form/read")).catch(() => null);
      if (!closed) return;
      if (closed.code !== 0) {
        message(closed.msg, "warning");
        box.set(false);
      } else done();
      shown.hide();
    }
    const since = performance.now();
    while (performance.now() - since < readSeconds * 1000) {
      count.textContent = `请认真阅读，还需 ${Math.ceil(readSeconds - (performance.now() - since) / 1000)} 秒`;
      await wait(200);
    }
    count.textContent = "您已阅读完毕";
    setDisabled(back, false);
    setDisabled(shut, false);
  }

  async function showSealing() {
    const data = await fetchScreen("/agreements/seal");
    if (!data) return;
    const seal = h("div.seal", {}, "印章生成中...");
    const submit = button(word("保存印章并生成协议"), { type: "primary", disabled: true, onclick: async () => {
      const answer = await act(submit, "POST", "/agreements/seal", { sealType: 1 });
      if (answer) await goNext(answer);
    } });
    stepPage(data, "制章", seal, h("div.row", {}, submit));
    await wait(800); // the picture is drawn in the browser
    seal.replaceChildren(h("b", {}, data.company.name), "★", h("small", {}, "仿真专用章"));
    setDisabled(submit, false);
  }

  // A step whose button sleeps until its box is ticked.
  async function showAgreement(path, title, text, boxWords, buttonWords, method) {
    const data = await fetchScreen(path);
    if (!data) return;
    const submit = button(word(buttonWords), { type: "primary", disabled: true, onclick: async () => {
      const answer = await act(submit, method, path, { agreed: box.checked });
      if (answer) await goNext(answer);
    } });
    const box = checkbox(boxWords, (checked) => setDisabled(submit, !checked));
    stepPage(data, title, h("div.terms", {}, text(data).map((line) => h("p", {}, line))), h("div.row", {}, box.element), h("div.row", {}, button("上一步", { onclick: () => go("dashboard") }), submit));
  }
  const showSigning = () => showAgreement("/agreements/contract", "协议签署",
    (data) => ["小微信保易线上投保服务协议", `甲方：${data.company.name}　乙方：中国出口信用保险公司`, "甲方使用法人卡登录后的操作均视为甲方的真实意思表示，甲方同意本协议自双方签署之日起生效。"], "我确认协议条款", "同意", "PUT");
  const showAuthorizing = () => showAgreement("/agreements/grants", "企业数据授权",
    () => ["本企业授权中国国际贸易单一窗口向中国出口信用保险公司提供下列数据：", "企业基本信息、进出口报关单数据、出口收汇及退税信息。"], "同意提供上述数据内容", "授权", "POST");

  async function showFinishing() {
    const data = await fetchScreen("/renewals/completion");
    if (!data) return;
    const submit = button(word("确定"), { type: "primary", size: "large", onclick: async () => {
      const answer = await act(submit, "POST", "/renewals/completion");
      if (answer) await goNext(answer);
    } });
    stepPage(data, "完成", h("div.el-result", {}, h("div.el-result__title", {}, h("p", {}, "数据授权已完成")), h("div.el-result__subtitle", {}, h("p", {}, "请点击下方按钮，完成本年度小微信保易投保操作。")), h("div.el-result__extra", {}, submit)));
  }

  async function showSubmitted() {
    const data = await fetchScreen("/renewals/result");
    if (!data) return;
    stepPage(data, "完成", h("div.el-result", {}, h("div.el-result__title", {}, h("p", {}, word("投保操作完成")))), descriptions([["申请编号", data.application.number], ["状态", data.application.state]]));
  }

  // --- lists ------------------------------------------------------------------------------------------

  async function showList(key, path, columns) {
    const list = table(columns);
    const pages = pagination();
    withTabs(key, list.element, pages.element);
    const answer = await loading(request("GET", `${api}${path}?pageNum=1&pageSize=10`), list.element);
    word = (text) => answer.data.dress.moved[text] || text;
    await wait(250); // as after a filter's debounce
    list.fill(answer.data.rows);
    pages.show(answer.data.total);
    notice(answer.data.dress);
    beTroubled(answer.data.dress);
  }
  const showApplications = () => showList("applications", "/renewals", [
    ["序号", (row, place) => String(place + 1)], ["申请编号", (row) => row.number], ["产品名称", () => "小微信保易"], ["保单年度", (row) => String(row.year)],
    ["申请时间", (row) => row.applied_at], ["状态", (row) => h("span.el-tag.el-tag--light", {}, h("span.el-tag__content", {}, row.state))], ["退回原因", (row) => row.reason],
  ]);
  const showPolicies = () => showList("policies", "/policies", [
    ["序号", (row, place) => String(place + 1)], ["保险单号", (row) => row.number], ["产品名称", () => "小微信保易"], ["保单年度", (row) => String(row.year)],
    ["保险期间", (row) => `${row.valid_from} 至 ${row.valid_to}`], ["状态", (row) => h("span.el-tag.el-tag--light", {}, h("span.el-tag__content", {}, row.state))],
    ["操作", (row) => button(word("查看"), { type: "primary", link: true, onclick: () => openPolicy(row.number) })],
  ]);

  async function openPolicy(number) {
    const data = await fetchScreen(`/policies/${number}`).catch(() => null);
    if (!data) return;
    const { policy, company } = data;
    const state = h("span.el-tag", {}, policy.state);
    const download = button("下载电子保单", { onclick: () => whileLoading(download, save(number)) });
    const receive = button(word("收悉"), { type: "primary", onclick: async () => {
      const answer = await act(receive, "POST", `/policies/${number}/receipts`, { number });
      if (!answer) return;
      message(answer.msg);
      state.textContent = "已收悉";
      receive.remove();
    } });
    const shown = dialog("电子保单", descriptions([["保险单号", policy.number], ["投保人", company.name], ["统一社会信用代码", company.uscc], ["保单年度", String(policy.year)],
      ["保险期间", `${policy.valid_from} 至 ${policy.valid_to}`], ["保险人", "中国出口信用保险公司"], ["状态", state]]),
      [download, policy.received ? null : receive, button("关闭", { onclick: () => { shown.hide(); show(); } })]);
  }

  async function save(number) {
    const response = await fetch(`${api}/policies/${number}/pdf`).catch(() => null);
    if (!response || !response.ok) return message("下载失败，请稍后再试", "error");
    const link = h("a", { href: URL.createObjectURL(await response.blob()), download: `小微信保易保险单_${number}.pdf`, style: "display: none" });
    document.body.append(link);
    link.click();
    link.remove();
  }

  const ROUTES = {
    workbench: showWorkbench, enterprise: showCompany, dashboard: showDashboard, pending: showPending, sealing: showSealing, signing: showSigning,
    authorizing: showAuthorizing, finishing: showFinishing, submitted: showSubmitted, applications: showApplications, policies: showPolicies,
  };

  addEventListener("popstate", show);
  boot().catch(() => {});
})();
