"use strict";

// The components of the page, rendered as the well-known library renders them.

const ui = (() => {
  let zIndex = 2000; // rises with each layer, as the library's does
  let serial = 0;
  const prefix = "el-id-" + Math.floor(Math.random() * 9000 + 1000) + "-";

  function h(tag, attributes, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name || "div");
    if (classes.length) element.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
  }

  const icon = (name) => {
    const box = h("i.el-icon" + (name ? "." + name : ""));
    box.innerHTML = '<svg viewBox="0 0 1024 1024" width="14" height="14"><path fill="currentColor" d="M764 214 810 259 557 512 810 765 765 810 512 557 259 810 214 765 467 512 214 259 259 214 512 467z"></path></svg>';
    return box;
  };

  function button(words, { type = "", size = "", link = false, disabled = false, onclick } = {}) {
    const element = h("button.el-button", { type: "button", onclick }, h("span", {}, words));
    if (type) element.classList.add("el-button--" + type);
    if (size) element.classList.add("el-button--" + size);
    if (link) element.classList.add("is-link");
    setDisabled(element, disabled);
    return element;
  }

  function setDisabled(element, disabled) {
    element.disabled = disabled;
    element.setAttribute("aria-disabled", String(disabled));
    element.classList.toggle("is-disabled", disabled);
  }

  // While the promise runs the button turns, as `:loading` makes it.
  async function whileLoading(element, promise) {
    const turning = icon("is-loading");
    element.prepend(turning);
    element.classList.add("is-loading");
    setDisabled(element, true);
    try {
      return await promise;
    } finally {
      turning.remove();
      element.classList.remove("is-loading");
      setDisabled(element, false);
    }
  }

  function checkbox(words, onchange) {
    const real = h("input.el-checkbox__original", { type: "checkbox" });
    const box = h("span.el-checkbox__input", {}, real, h("span.el-checkbox__inner"));
    const label = h("label.el-checkbox", {}, box, h("span.el-checkbox__label", {}, words));
    const draw = () => {
      label.classList.toggle("is-checked", real.checked);
      box.classList.toggle("is-checked", real.checked);
    };
    real.addEventListener("change", () => {
      draw();
      if (onchange) onchange(real.checked);
    });
    const set = (checked) => {
      real.checked = checked;
      draw();
    };
    return { element: label, get checked() { return real.checked; }, set };
  }

  function input(label, placeholder, { type = "text", maxlength, check } = {}) {
    const id = prefix + ++serial;
    const real = h("input.el-input__inner", { type, id, placeholder, maxlength, autocomplete: "off", tabindex: "0" });
    const error = h("div.el-form-item__error", { style: "display: none" });
    const suffix = type === "password" ? h("span.el-input__suffix", {}, h("span.el-input__suffix-inner", {}, icon("el-input__password"))) : null;
    const element = h("div.el-form-item.is-required.asterisk-left", {},
      h("label.el-form-item__label", { for: id }, label),
      h("div.el-form-item__content", {}, h("div.el-input", {}, h("div.el-input__wrapper", { tabindex: "-1" }, real, suffix)), error));
    const validate = () => {
      const words = check ? check(real.value) : "";
      error.textContent = words;
      error.style.display = words ? "" : "none";
      element.classList.toggle("is-error", Boolean(words));
      return !words;
    };
    real.addEventListener("blur", validate);
    return { element, real, validate };
  }

  function dialog(title, body, footer, { onClose, closable = true } = {}) {
    const overlay = h("div.el-overlay", { style: "z-index: " + ++zIndex });
    // The library keeps a closed dialog in the document and hides it.
    const close = () => {
      if (onClose && onClose() === false) return;
      hide();
    };
    const hide = () => {
      overlay.classList.add("dialog-fade-leave-active");
      setTimeout(() => { overlay.style.display = "none"; }, 200);
    };
    const header = h("header.el-dialog__header", {}, h("span.el-dialog__title", { role: "heading", "aria-level": "2" }, title),
      closable ? h("button.el-dialog__headerbtn", { "aria-label": "Close this dialog", type: "button", onclick: close }, icon("el-dialog__close")) : null);
    overlay.append(h("div.el-overlay-dialog", { role: "dialog", "aria-modal": "true", "aria-label": title },
      h("div.el-dialog", { tabindex: "-1" }, header, h("div.el-dialog__body", {}, body), footer ? h("footer.el-dialog__footer", {}, footer) : null)));
    document.body.append(overlay);
    return { overlay, hide };
  }

  function message(words, type = "success") {
    const element = h("div.el-message.el-message--" + type, { role: "alert", style: "top: 16px; z-index: " + ++zIndex },
      icon("el-message__icon"), h("p.el-message__content", {}, words));
    document.body.append(element);
    setTimeout(() => element.remove(), 3000);
  }

  // Covers an element, or the whole page, until the promise has come and a little longer.
  async function loading(promise, target) {
    const mask = h("div.el-loading-mask" + (target ? "" : ".is-fullscreen"), { style: "z-index: " + ++zIndex },
      h("div.el-loading-spinner", {}, icon("circular"), h("p.el-loading-text", {}, "加载中...")));
    const parent = target || document.body;
    parent.classList.add("el-loading-parent--relative");
    parent.append(mask);
    try {
      return await promise;
    } finally {
      setTimeout(() => mask.remove(), 350);
    }
  }

  // `columns`: [words, row → text or element]. The head is a table of its own, with a column more for the scroll bar.
  function table(columns) {
    const width = 100 / columns.length + "%";
    const group = () => h("colgroup", {}, columns.map(() => h("col", { width })));
    const headGroup = group();
    headGroup.append(h("col", { name: "gutter", width: "15" }));
    const cell = (tag, content) => h(tag + ".el-table__cell", { colspan: "1", rowspan: "1" }, h("div.cell", {}, content));
    const head = h("tr", {}, columns.map(([words]) => {
      const th = cell("th", words);
      th.classList.add("is-leaf");
      return th;
    }), h("th.el-table__cell.gutter", { style: "width: 15px" }));
    const body = h("tbody", { tabindex: "-1" });
    const empty = h("div.el-table__empty-block", {}, h("span.el-table__empty-text", {}, "暂无数据"));
    const view = h("div.el-scrollbar__view", {}, h("table.el-table__body", { cellspacing: "0" }, group(), body), empty);
    const element = h("div.el-table.el-table--fit.el-table--striped", {},
      h("div.el-table__inner-wrapper", {},
        h("div.hidden-columns", {}, columns.map(() => h("div"))),
        h("div.el-table__header-wrapper", {}, h("table.el-table__header", { cellspacing: "0" }, headGroup, h("thead", {}, head))),
        h("div.el-table__body-wrapper", {}, h("div.el-scrollbar", {}, h("div.el-scrollbar__wrap", {}, view)))));
    const fill = (rows) => {
      body.replaceChildren(...rows.map((row, place) => h("tr.el-table__row" + (place % 2 ? ".el-table__row--striped" : ""), {}, columns.map(([, show]) => cell("td", show(row, place))))));
      empty.style.display = rows.length ? "none" : "";
    };
    return { element, fill };
  }

  function pagination() {
    const total = h("span.el-pagination__total.is-first", { disabled: "false" });
    const element = h("div.el-pagination.is-background", { style: "display: none" }, total,
      h("button.btn-prev", { type: "button", disabled: true, "aria-label": "上一页" }, "‹"),
      h("ul.el-pager", {}, h("li.is-active.number", { "aria-current": "true", "aria-label": "第 1 页" }, "1")),
      h("button.btn-next", { type: "button", disabled: true, "aria-label": "下一页" }, "›"));
    const show = (count) => {
      total.textContent = "共 " + count + " 条";
      element.style.display = count > 0 ? "" : "none";
    };
    return { element, show };
  }

  function descriptions(pairs) {
    return h("div.el-descriptions", {}, h("div.el-descriptions__body", {}, h("table.el-descriptions__table.is-bordered", {}, h("tbody", {}, pairs.map(([label, value]) =>
      h("tr", {}, h("td.el-descriptions__cell.el-descriptions__label.is-bordered-label", { colspan: "1" }, label), h("td.el-descriptions__cell.el-descriptions__content.is-bordered-content", { colspan: "1" }, value)))))));
  }

  function tabs(names, active, pick) {
    return h("div.el-tabs.el-tabs--top", {}, h("div.el-tabs__header.is-top", {}, h("div.el-tabs__nav-wrap.is-top", {}, h("div.el-tabs__nav-scroll", {}, h("div.el-tabs__nav.is-top", { role: "tablist" },
      names.map(([key, words, count]) => h("div.el-tabs__item.is-top" + (key === active ? ".is-active" : ""), { role: "tab", id: "tab-" + key, "aria-selected": String(key === active), tabindex: key === active ? "0" : "-1", onclick: () => pick(key) },
        h("span", {}, words, count ? h("div.el-badge", {}, h("sup.el-badge__content.is-fixed", {}, String(count))) : null))))))));
  }

  function notice(dress) {
    if (!dress.notice) return;
    const shown = dialog("系统公告", "为提升服务质量，系统将于本周六 22:00 至周日 06:00 进行升级维护，届时可能无法访问，敬请谅解。",
      button("我知道了", { type: "primary", onclick: () => shown.hide() }));
  }

  // One request. What is not JSON is another page than the one that was asked for: it is shown.
  async function request(method, url, body) {
    const options = { method, headers: { Accept: "application/json" } };
    if (body) Object.assign(options, { body: JSON.stringify(body), headers: { ...options.headers, "Content-Type": "application/json;charset=UTF-8" } });
    let response;
    try {
      response = await fetch(url, options);
    } catch (error) {
      message("网络异常，请检查网络后重试", "error");
      throw error;
    }
    if (!response.ok) {
      message("系统繁忙，请稍后再试", "error");
      throw new Error(String(response.status));
    }
    if (!response.headers.get("Content-Type").includes("json")) {
      document.open();
      document.write(await response.text());
      document.close();
      throw new Error("not JSON");
    }
    const answer = await response.json();
    if (answer.code === 401) {
      location.href = answer.login;
      throw new Error(answer.msg);
    }
    return answer;
  }

  return { h, icon, button, setDisabled, whileLoading, checkbox, input, dialog, message, loading, table, pagination, descriptions, tabs, notice, request, nextZ: () => ++zIndex };
})();
