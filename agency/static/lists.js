// Lists: keys, selection, filters that act at once, and rows that are exchanged without losing focus.
// Everything here is comfort; the pages work without it.
"use strict";
(() => {
  const ROW = "table.rows tbody tr:not(.group), [data-rows] > li";
  const rows = () => [...document.querySelectorAll(ROW)];
  const link = (row) => row?.querySelector("a.open");
  // Where nothing has the focus, the row that is open.
  const current = () => document.activeElement?.closest(ROW) ?? document.querySelector("[data-rows] > [aria-current]");

  function move(by) {
    const all = rows();
    const place = all.indexOf(current());
    const next = all[place < 0 ? 0 : Math.min(Math.max(place + by, 0), all.length - 1)];
    link(next)?.focus();
    if (beside && !beside.hidden) show(next);
  }

  // A renewal beside the list: fetched from its own page, which is where the row's link leads too.
  const beside = document.getElementById("beside");
  let shown = ""; // the row's id: the row itself is exchanged when it changes

  function show(row) {
    if (!beside || !link(row)) return;
    shown = row.id;
    mark();
    beside.hidden = false;
    htmx.ajax("GET", link(row).href, { target: "#beside-shown", swap: "innerHTML show:none" });
  }

  function closeBeside() {
    link(document.getElementById(shown))?.focus();
    shown = "";
    mark();
    beside.hidden = true;
    document.getElementById("beside-shown").replaceChildren(); // what it asked every two seconds ends, too
  }

  function mark() {
    for (const row of rows()) row.classList.toggle("shown-beside", row.id !== "" && row.id === shown);
  }

  function select() {
    const box = current()?.querySelector("td.tick input[type=checkbox]");
    if (box) { box.checked = !box.checked; count(); }
  }

  const keys = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: select,
    o: () => show(current()),
    "?": () => document.getElementById("help")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    // A dialog that was just closed may have the focus until the next frame is drawn.
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]");
    if (event.key === "Escape" && beside && !beside.hidden && !typing) closeBeside();
    const act = keys[event.key];
    if (!act || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  function count() {
    const ticked = document.querySelectorAll("td.tick input[type=checkbox]:checked").length;
    const all = document.querySelector("[data-all]");
    if (all) {
      all.checked = ticked > 0 && ticked === rows().length;
      all.indeterminate = ticked > 0 && !all.checked;
    }
    for (const words of document.querySelectorAll("[data-count]")) {
      words.textContent = ticked ? words.dataset.count.replace("%n", ticked) : "";
    }
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      for (const box of document.querySelectorAll("td.tick input[type=checkbox]")) box.checked = event.target.checked;
    }
    // Unfolded, several filters are chosen before one looks: the fold has a button for that.
    const alone = event.target.matches("[type=search]") || event.target.closest(".fold[open]");
    if (event.target.closest("form[data-auto]") && !alone) event.target.form.requestSubmit();
    count();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    if (event.target.closest("[data-beside]")) show(event.target.closest(ROW));
    if (event.target.closest("[data-closes-beside]")) closeBeside();
  });

  // Empty fields would only make the address longer.
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("form[data-auto]")) return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });

  // Where the browser cannot move an element without blurring it, focus is given back.
  let focused = null;
  document.addEventListener("htmx:oobBeforeSwap", () => { focused = document.activeElement?.id; });
  document.addEventListener("htmx:oobAfterSwap", () => {
    if (shown) mark();
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
  });

  count();
})();
