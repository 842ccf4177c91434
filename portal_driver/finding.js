/* Reads one document as a person would: its visible text, and what can be pressed, filled or ticked.
 *
 * Works on any markup: it walks the tree as it is shown (shadow roots and slots included) and judges by
 * what is visible, never by class names or ids that one skin happens to use.
 * `wanted` limits the pressable things to texts that hold one of these words (normalised, a line each); null lists all.
 * Returns what was seen, as JSON: Playwright takes ten times as long to bring the same values one by one.
 * With `take` ({kind, index, said}) it returns the element behind one thing that was seen, or null where
 * another stands in its place by now.
 */
({ wanted, take }) => {
  const LONGEST = 48;
  const UNREAD = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "HEAD", "OPTION", "TITLE"]);
  const PRESSED_ROLES = new Set(["button", "link", "tab", "menuitem", "treeitem", "option", "switch"]);
  const READ_ONLY = new Set(["H1", "H2", "H3", "H4", "H5", "H6", "P", "TH", "LEGEND", "CAPTION", "DT", "DD", "LABEL"]);
  const EDITABLE = new Set(["text", "password", "tel", "email", "number", "search", "url", ""]);
  const CELL_ROLES = new Set(["cell", "gridcell", "columnheader", "rowheader"]);
  // Invisible characters, and the private-use ones that icon fonts draw their pictures with.
  const INVISIBLE = /[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff\ue000-\uf8ff]+/g;

  const APART = "\u2063";  // invisible, and no part of any word

  const literally = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wantedText = wanted && new RegExp(wanted.split("\n").map(literally).join("|"));
  const normal = (text) => text.normalize("NFKC").replace(INVISIBLE, "");
  const styles = new Map();
  const style = (el) => styles.get(el) || (styles.set(el, getComputedStyle(el)), styles.get(el));
  const parentOf = (el) => el.assignedSlot || el.parentElement || (el.getRootNode().host ?? null);
  const attr = (el, name) => el.getAttribute(name) || "";
  const rectOf = (el) => {
    const { left, top, right, bottom } = el.getBoundingClientRect();
    return [left, top, right, bottom].map(Math.round);
  };

  // One pixel is how pages hide words from the eye and keep them for screen readers.
  const hasSize = (el) => {
    const box = el.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  };
  // What lies left of or above everything can be scrolled to by nobody.
  const inReach = (el) => {
    const box = el.getBoundingClientRect();
    let [right, bottom] = [box.right, box.bottom];
    for (let at = parentOf(el); at; at = parentOf(at)) [right, bottom] = [right + at.scrollLeft, bottom + at.scrollTop];
    return right > 0 && bottom > 0;
  };
  // A menu that is folded up has its entries in a box of no height.
  const unfolded = (el) => {
    for (let at = parentOf(el); at && at !== document.body; at = parentOf(at)) {
      if (style(at).overflow !== "visible" && style(at).display !== "inline" && !hasSize(at)) return false;
    }
    return true;
  };
  const shown = (el) =>
    hasSize(el) && unfolded(el) && el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && inReach(el);

  const childrenOf = (el) => {
    if (el.shadowRoot) return el.shadowRoot.childNodes;
    if (el.tagName === "SLOT") {
      const assigned = el.assignedNodes();
      return assigned.length ? assigned : el.childNodes;
    }
    return el.childNodes;
  };

  const nativelyPressed = (el) =>
    el.tagName === "BUTTON" || el.tagName === "SUMMARY" || el.tagName === "A" || el.tagName === "AREA" ||
    (el.tagName === "INPUT" && ["button", "submit", "reset", "image"].includes(el.type)) ||
    PRESSED_ROLES.has(attr(el, "role"));

  // The words that a style sheet writes into an element; a mere sign is a picture.
  const writtenBy = (el, pseudo) => {
    const content = /^"(.*)"$/s.exec(getComputedStyle(el, pseudo).content);
    return content && /\p{L}/u.test(content[1]) ? content[1].replace(/\\(["\\])/g, "$1") : "";
  };

  // What is said by an element that holds no text: an input's value, a picture's name, a style sheet's words.
  const ownName = (el) => {
    if (el.tagName === "INPUT" && ["button", "submit", "reset"].includes(el.type)) return el.value || "";
    if (el.tagName === "IMG" || (el.tagName === "INPUT" && el.type === "image")) return attr(el, "alt");
    if (!el.firstChild && !el.shadowRoot && el instanceof HTMLElement) return writtenBy(el, "::before") + writtenBy(el, "::after");
    return "";
  };

  // The one thing that notices never put into words: the cross in their corner.
  const isCloseIcon = (el) => nativelyPressed(el) && /(^|[-_\s])close($|[-_\s\d])/i.test(attr(el, "class"));

  const lines = [];
  const presses = [];
  const fields = [];
  const boxes = [];
  const drawn = [];  // small empty squares: a box that is nothing but its look
  const rows = [];
  const leaves = [];  // runs of text and where they stand: what one cell of a table without markup says
  const texts = new Map();  // normalised, to compare
  const plain = new Map();  // as a person reads it
  const orders = new Map();  // an element's place in the document

  const walk = (el) => {
    if (UNREAD.has(el.tagName)) return "";
    const look = style(el);
    if (look.display === "none") { hiddenBoxes(el); return ""; }
    const isBlock = !look.display.startsWith("inline") && look.display !== "contents";
    const isCell = look.display === "table-cell";
    if (isBlock && !isCell) lines.push("\n");
    orders.set(el, orders.size);
    const began = leaves.length;
    let text = ownName(el);
    let own = text;
    if (text && look.visibility === "visible") lines.push(text);
    let before = null;
    for (const child of childrenOf(el)) {
      if (child.nodeType === Node.TEXT_NODE) {
        if (look.visibility !== "visible") continue;
        text += child.data;
        own += child.data;
        lines.push(child.data.replace(/\s+/g, " "));
      } else if (child.nodeType === Node.ELEMENT_NODE) {
        if (before && standApart(before, child)) lines.push(APART);
        const said = walk(child);
        text += said;
        before = said.trim() ? child : before;
      }
    }
    if (isCell) lines.push("\t");
    else if (isBlock) lines.push("\n");
    noteLeaf(el, text, own, began);
    note(el, text);
    return text;
  };

  // The smallest box around a run of text stands for all of the run, however many spans it is split over.
  const noteLeaf = (el, text, own, began) => {
    if (!text.trim() || !hasSize(el)) return;
    const isRun = style(el).display === "inline" || style(el).display === "contents";
    const inside = leaves.slice(began);
    if (isRun ? inside.length : inside.some((leaf) => !leaf.isRun)) {
      if (own.trim()) leaves.push({ el, text: own, isRun });
      return;
    }
    leaves.length = began;
    leaves.push({ el, text, isRun });
  };

  // A styled box often hides the real one with display: none; its state is still the box's state.
  const hiddenBoxes = (el) => {
    const inside = el.matches("input[type=checkbox]") ? [el] : el.querySelectorAll("input[type=checkbox]");
    for (const box of inside) boxes.push(box);
  };

  const isDrawnBox = (el) => {
    const { width, height } = el.getBoundingClientRect();
    if (el.children.length || width < 8 || width > 40 || Math.abs(width - height) > 4) return false;
    const look = style(el);
    return parseFloat(look.borderTopWidth) > 0 || look.backgroundImage !== "none" || look.backgroundColor !== "rgba(0, 0, 0, 0)";
  };

  // Two runs on one line, a label and its value for instance: a gap or a style sheet's colon keeps them apart.
  const standApart = (one, next) => {
    if (!style(one).display.startsWith("inline") || !style(next).display.startsWith("inline")) return false;
    const [left, right] = [one.getBoundingClientRect(), next.getBoundingClientRect()];
    const gap = left.bottom > right.top && right.bottom > left.top ? right.left - left.right : 9;
    return gap > 2 || /[:：]/.test(getComputedStyle(one, "::after").content);
  };

  const cellsOf = (row) => {
    const cells = [...row.children].filter((el) => el.tagName === "TD" || el.tagName === "TH" || CELL_ROLES.has(attr(el, "role")));
    return (cells.length ? cells : [...row.children]).filter(hasSize);
  };

  const note = (el, text) => {
    texts.set(el, normal(text));
    plain.set(el, text.replace(/\s+/g, " ").trim());
    if (el.tagName === "INPUT" || el.tagName === "TEXTAREA") {
      if (el.type === "checkbox") boxes.push(el);
      else if (el.tagName === "TEXTAREA" || EDITABLE.has(attr(el, "type").toLowerCase())) fields.push(el);
    } else if (attr(el, "role") === "checkbox") boxes.push(el);
    else if (attr(el, "role") === "textbox" || el.isContentEditable && attr(el, "contenteditable")) fields.push(el);
    else if (!text.trim() && isDrawnBox(el)) drawn.push(el);
    if (el.tagName === "TR" || attr(el, "role") === "row") rows.push(el);
    const said = normal(text) || normal(attr(el, "aria-label") || attr(el, "title")) || (isCloseIcon(el) ? "×" : "");
    if (!said || said.length > LONGEST || (wantedText && !wantedText.test(said)) || !shown(el)) return;
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
    const inside = [...el.querySelectorAll("*")].filter((one) => style(one).display !== "none");
    if (inside.some((one) => nativelyPressed(one) || !style(one).display.startsWith("inline"))) return false;
    let at = el;
    while (parentOf(at) && texts.get(parentOf(at)) === said) at = parentOf(at);
    for (let up = el; up; up = parentOf(up)) {
      if (READ_ONLY.has(up.tagName) || attr(up, "role") === "heading") return false;
      if (up === at) break;
    }
    return ["block", "flex", "inline-block", "inline-flex", "grid", "list-item", "table-cell"].includes(style(at).display);
  };

  const disabled = (el, said) => {
    if (style(el).pointerEvents === "none" || style(el).cursor === "not-allowed") return true;
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

  // Two links to one address are one way; a script behind a link leads nobody knows where.
  const leadsTo = (el) => {
    for (let at = el; at; at = parentOf(at)) {
      if (at.tagName === "A") return /^https?:/.test(at.href) && !attr(at, "href").startsWith("#") ? at.href : "";
    }
    return "";
  };
  const inMenu = (el) => {
    for (let at = el; at; at = parentOf(at)) {
      if (at.tagName === "NAV" || at.tagName === "ASIDE") return true;
      if (["menu", "menubar", "menuitem", "navigation"].includes(attr(at, "role"))) return true;
    }
    return false;
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
    if (attr(el, "role") === "checkbox") said.push(texts.get(el) || "");
    return said.filter(Boolean);
  };

  // The words beside a thing that no label names: before a field, behind a box.
  const wordsBeside = (el, forward) => {
    for (let at = el, up = 0; at && up < 6; at = parentOf(at), up += 1) {
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

  // A PIN may stand in a field of plain text that the style sheet draws as dots.
  const secret = (el) => el.type === "password" || !["none", "", undefined].includes(style(el).webkitTextSecurity);

  // A frame that is not shown has no size, or stands in an element that is not shown.
  const host = (() => { try { return frameElement; } catch { return null; } })();
  if (window !== top && (innerWidth === 0 || innerHeight === 0 || (host && !shown(host)))) return take ? null : "{}";
  const layered = host ? layerOf(host) : { layer: 0, inside: "" };

  walk(document.body || document.documentElement);

  // Of several elements that say the same, one inside the other, the innermost stands for all.
  const saying = new Map();
  for (const press of presses) {
    const others = saying.get(press.said) || saying.set(press.said, []).get(press.said);
    if (!others.some((other) => holds(press.el, other.el))) others.push(press);
  }
  const pressable = [...saying.values()].flat();
  const fillable = fields.filter(shown);
  const tickable = [...boxes, ...drawn];
  const text = lines.join("").replace(/[ \t]*\n[ \t\n]*/g, "\n").trim();

  if (take) {
    const kinds = { presses: pressable.map(({ el }) => el), fields: fillable, boxes: tickable.map(boxTarget) };
    const element = kinds[take.kind][take.index] ?? null;
    const isSame = take.kind !== "presses" || pressable[take.index]?.said === take.said;
    return isSame ? element : null;
  }
  return JSON.stringify({
    text,
    ready: document.readyState === "complete",
    secret: document.querySelector("input[type=password]") !== null || fields.some(secret),
    presses: pressable.map(({ el, said }, index) => {
      const own = layerOf(el);
      return {
        index, said, sure: sureness(el, said), covered: covered(el), disabled: disabled(el, said),
        order: orders.get(el), rect: rectOf(el), leads: leadsTo(el), menu: inMenu(el),
        layer: own.layer + layered.layer, inside: own.inside || layered.inside,
      };
    }),
    fields: fillable.map((el, index) => ({
      index, labels: labelsOf(el), beside: wordsBeside(el, false), secret: secret(el), rect: rectOf(el),
      value: secret(el) ? "" : (el.value ?? el.textContent),
    })),
    boxes: tickable.map((el, index) => ({
      index, labels: labelsOf(el), beside: wordsBeside(el, true), ticked: ticked(el), shown: shown(boxTarget(el)),
      drawn: index >= boxes.length,
    })),
    rows: rows.filter(hasSize).map((row) => ({
      cells: cellsOf(row).map((cell) => ({ text: plain.get(cell) || "", rect: rectOf(cell) })), rect: rectOf(row),
    })),
    leaves: leaves.map(({ el, text }) => ({
      text: text.replace(/\s+/g, " ").trim(), rect: rectOf(el), order: orders.get(el),
      layer: wantedText && wantedText.test(normal(text)) ? layerOf(el).layer + layered.layer : 0,
    })),
  });
}
