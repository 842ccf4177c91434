/* Reads one document as a person would: its visible text, and what can be pressed, filled or ticked.
 *
 * Works on any markup: it walks the tree as it is shown (open shadow roots and slots included) and
 * judges by what is visible, never by class names or ids that one skin happens to use.
 * Called with {wanted, take}. `wanted` limits the pressable things to texts that hold one of
 * these words (normalised); null lists all. `take` names one thing of the result; then the element is returned.
 */
({ wanted, take }) => {
  const LONGEST = 48;
  const UNREAD = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "HEAD", "OPTION", "TITLE"]);
  const PRESSED_ROLES = new Set(["button", "link", "tab", "menuitem", "treeitem", "option", "switch"]);
  const READ_ONLY = new Set(["H1", "H2", "H3", "H4", "H5", "H6", "P", "TH", "LEGEND", "CAPTION", "DT", "DD", "LABEL"]);
  const EDITABLE = new Set(["text", "password", "tel", "email", "number", "search", "url", ""]);

  const literally = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wantedText = wanted && new RegExp(wanted.map(literally).join("|"));
  const normal = (text) => text.normalize("NFKC").replace(/[\s\u200b-\u200d\u2060\ufeff]+/g, "");
  const styles = new Map();
  const style = (el) => styles.get(el) || (styles.set(el, getComputedStyle(el)), styles.get(el));
  const parentOf = (el) => el.assignedSlot || el.parentElement || (el.getRootNode().host ?? null);
  const attr = (el, name) => el.getAttribute(name) || "";

  const shown = (el) => {
    const box = el.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && style(el).visibility === "visible" && style(el).opacity !== "0";
  };

  const childrenOf = (el) => {
    if (el.shadowRoot) return el.shadowRoot.childNodes;
    if (el.tagName === "SLOT") {
      const assigned = el.assignedNodes();
      return assigned.length ? assigned : el.childNodes;
    }
    return el.childNodes;
  };

  const nativelyPressed = (el) =>
    el.tagName === "BUTTON" || el.tagName === "SUMMARY" || el.tagName === "A" ||
    (el.tagName === "INPUT" && ["button", "submit", "reset", "image"].includes(el.type)) ||
    PRESSED_ROLES.has(attr(el, "role"));

  // What is said by an element that holds no text: an input's value, a picture's or an icon's name.
  const ownName = (el) => {
    if (el.tagName === "INPUT" && ["button", "submit", "reset"].includes(el.type)) return el.value || "";
    if (el.tagName === "IMG" || (el.tagName === "INPUT" && el.type === "image")) return attr(el, "alt");
    return "";
  };

  // The one thing that notices never put into words: the cross in their corner.
  const isCloseIcon = (el) => nativelyPressed(el) && /(^|[-_\s])close($|[-_\s\d])/.test(attr(el, "class"));

  const lines = [];
  const presses = [];
  const fields = [];
  const boxes = [];
  const rows = [];
  const texts = new Map();  // normalised, to compare
  const plain = new Map();  // as a person reads it

  const walk = (el) => {
    if (UNREAD.has(el.tagName)) return "";
    const look = style(el);
    if (look.display === "none") { hiddenBoxes(el); return ""; }
    const isBlock = !look.display.startsWith("inline") && look.display !== "contents";
    const isCell = look.display === "table-cell";
    if (isBlock && !isCell) lines.push("\n");
    let text = ownName(el);
    if (text && look.visibility === "visible") lines.push(text);
    for (const child of childrenOf(el)) {
      if (child.nodeType === Node.TEXT_NODE) {
        if (look.visibility !== "visible") continue;
        text += child.data;
        lines.push(child.data.replace(/\s+/g, " "));
      } else if (child.nodeType === Node.ELEMENT_NODE) {
        text += walk(child);
      }
    }
    if (isCell) lines.push("\t");
    else if (isBlock) lines.push("\n");
    note(el, text);
    return text;
  };

  // A styled box often hides the real one with display: none; its state is still the box's state.
  const hiddenBoxes = (el) => {
    const inside = el.matches("input[type=checkbox]") ? [el] : el.querySelectorAll("input[type=checkbox]");
    for (const box of inside) boxes.push(box);
  };

  const cellsOf = (row) => {
    const cells = [...row.querySelectorAll("td, th, [role=cell], [role=gridcell], [role=columnheader], [role=rowheader]")];
    return cells.length ? cells : [...row.children];
  };

  const note = (el, text) => {
    texts.set(el, normal(text));
    plain.set(el, text.replace(/\s+/g, " ").trim());
    if (el.tagName === "INPUT" || el.tagName === "TEXTAREA") {
      if (el.type === "checkbox") boxes.push(el);
      else if (el.tagName === "TEXTAREA" || EDITABLE.has(attr(el, "type").toLowerCase())) fields.push(el);
    } else if (attr(el, "role") === "checkbox") boxes.push(el);
    else if (attr(el, "role") === "textbox" || el.isContentEditable && attr(el, "contenteditable")) fields.push(el);
    if (el.tagName === "TR" || attr(el, "role") === "row") rows.push(el);
    const said = normal(text) || normal(attr(el, "aria-label") || attr(el, "title")) || (isCloseIcon(el) ? "×" : "");
    if (!said || said.length > LONGEST || !shown(el)) return;
    if (wantedText && !wantedText.test(said)) return;
    presses.push({ el, said });
  };

  // How sure we are that pressing does something: 1 made to be pressed, 2 styled or scripted so, 3 stands alone.
  const TEXT = 9;
  const sureness = (el, said) => {
    let isScripted = style(el).cursor === "pointer";
    let saysSame = true;
    for (let at = el; at && at !== document.body; at = parentOf(at)) {
      saysSame = saysSame && (at === el || texts.get(at) === said);
      // A part of what a button says is not another button.
      if (nativelyPressed(at)) return saysSame ? 1 : TEXT;
      if (saysSame && (at.onclick || at.hasAttribute("onclick") || at.hasAttribute("tabindex"))) isScripted = true;
    }
    if (isScripted) return 2;
    return standsAlone(el, said) ? 3 : TEXT;
  };

  // A line of its own in a plain box, with nothing inside that is more than a run of text.
  const standsAlone = (el, said) => {
    const inside = [...el.querySelectorAll("*")];
    if (inside.some((one) => nativelyPressed(one) || !style(one).display.startsWith("inline"))) return false;
    let at = el;
    while (parentOf(at) && texts.get(parentOf(at)) === said) at = parentOf(at);
    for (let up = el; up; up = parentOf(up)) {
      if (READ_ONLY.has(up.tagName) || attr(up, "role") === "heading") return false;
      if (up === at) break;
    }
    return ["block", "flex", "inline-block", "inline-flex", "grid", "list-item"].includes(style(at).display);
  };

  const disabled = (el, said) => {
    for (let at = el; at && (at === el || texts.get(at) === said || nativelyPressed(at)); at = parentOf(at)) {
      if (at.disabled || attr(at, "aria-disabled") === "true") return true;
      if (/(^|[-_\s])disabled($|[-_\s])/.test(attr(at, "class"))) return true;
    }
    return false;
  };

  // How far on top an element lies, and what the layer says that lifts it there.
  const layerOf = (el) => {
    let rank = 0;
    let lifted = null;
    for (let at = el; at; at = parentOf(at)) {
      const look = style(at);
      const isDialog = attr(at, "aria-modal") === "true" || /^(alert)?dialog$/.test(attr(at, "role"));
      const isPlaced = look.position === "fixed" || look.position === "absolute";
      const here = Math.max(at.tagName === "DIALOG" && at.open ? 1e9 : 0, isDialog ? 1 : 0, isPlaced ? parseInt(look.zIndex) || 0 : 0);
      if (here > 0 && here >= rank) [rank, lifted] = [here, at];
    }
    return { layer: rank, inside: lifted ? (texts.get(lifted) || "").slice(0, 400) : "" };
  };

  const hitAt = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit && hit.shadowRoot) {
      const deeper = hit.shadowRoot.elementFromPoint(x, y);
      if (!deeper || deeper === hit) break;
      hit = deeper;
    }
    return hit;
  };
  const holds = (outer, inner) => {
    for (let at = inner; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  const covered = (el) => {
    const box = el.getBoundingClientRect();
    const hit = hitAt(box.x + box.width / 2, box.y + box.height / 2);
    return hit !== null && !holds(el, hit) && !holds(hit, el);
  };

  const labelsOf = (el) => {
    const said = [];
    for (const label of el.labels || []) said.push(texts.get(label) ?? normal(label.textContent));
    for (const id of attr(el, "aria-labelledby").split(/\s+/).filter(Boolean)) {
      const label = el.getRootNode().getElementById(id);
      if (label) said.push(normal(label.textContent));
    }
    said.push(normal(attr(el, "aria-label")), normal(attr(el, "placeholder")), normal(attr(el, "title")));
    return said.filter(Boolean);
  };

  // The words beside a thing that no label names: before a field, behind a box.
  const wordsBeside = (el, forward) => {
    for (let at = el, up = 0; at && up < 5; at = parentOf(at), up += 1) {
      let said = "";
      const next = (node) => (forward ? node.nextSibling : node.previousSibling);
      for (let beside = next(at); beside && !said; beside = next(beside)) {
        if (beside.nodeType === Node.TEXT_NODE) said = normal(beside.data);
        else if (beside.nodeType === Node.ELEMENT_NODE) said = texts.get(beside) || "";
      }
      if (said) return said.slice(0, LONGEST);
    }
    return "";
  };

  const rowOf = (el) => {
    for (let at = el; at; at = parentOf(at)) if (rows.includes(at)) return rows.indexOf(at);
    return -1;
  };

  const ticked = (el) => {
    if (el.tagName === "INPUT") return el.checked;
    const state = attr(el, "aria-checked");
    return state ? state === "true" : null;
  };

  // Where a person clicks for a box: on itself, or on the styled thing or label that stands for it.
  const boxTarget = (el) => {
    if (shown(el)) return el;
    for (let at = el.labels && el.labels[0] ? el.labels[0] : parentOf(el); at; at = parentOf(at)) {
      const styled = [...at.querySelectorAll("*")].find((one) => shown(one) && !texts.get(one));
      if (styled) return styled;
      if (shown(at)) return at;
    }
    return el;
  };

  // A frame that is not shown has no size, or stands in an element that is not shown.
  const host = (() => { try { return frameElement; } catch { return null; } })();
  if (window !== top && (innerWidth === 0 || innerHeight === 0 || (host && !shown(host)))) return take ? null : {};

  walk(document.body || document.documentElement);

  // Of several elements that say the same, one inside the other, the innermost stands for all.
  const saying = new Map();
  for (const press of presses) {
    const others = saying.get(press.said) || saying.set(press.said, []).get(press.said);
    if (!others.some((other) => holds(press.el, other.el))) others.push(press);
  }

  if (take) {
    if (take.kind === "presses") return ((saying.get(take.said) || [])[take.index] || { el: null }).el;
    if (take.kind === "fields") return fields[take.index] || null;
    return boxes[take.index] ? boxTarget(boxes[take.index]) : null;
  }
  const text = lines.join("").replace(/[ \t]*\n[ \t\n]*/g, "\n").trim();
  return {
    text,
    ready: document.readyState === "complete",
    secret: document.querySelector("input[type=password]") !== null || fields.some((el) => el.type === "password"),
    presses: [...saying.values()].flatMap((same) => same.map(({ el, said }, index) => ({
      index, said, row: rowOf(el), sure: sureness(el, said), ...layerOf(el), covered: covered(el), disabled: disabled(el, said),
    }))),
    fields: fields.filter(shown).map((el) => ({
      index: fields.indexOf(el), labels: labelsOf(el), beside: wordsBeside(el, false),
      secret: el.type === "password", value: el.type === "password" ? "" : (el.value ?? el.textContent),
    })),
    boxes: boxes.map((el, index) => ({
      index, labels: labelsOf(el), beside: wordsBeside(el, true), ticked: ticked(el), shown: shown(boxTarget(el)),
    })),
    rows: rows.map((row) => cellsOf(row).map((cell) => plain.get(cell) || "")),
  };
}
