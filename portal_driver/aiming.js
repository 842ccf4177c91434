/* Where a person would press the element, in the pixels of the whole tab; null where that is not clear.
 *
 * It is clear where the element is awake and lies open: in its own document and, through the frames around
 * it, up to the tab itself. A frame of another site hides what is around it. With `aimedAt`, where the mouse
 * has gone meanwhile, it must also have come to rest there.
 */
async (el, aimedAt) => {
  if (!el) return null;
  const middle = () => {
    const box = el.isConnected && [...el.getClientRects()].find(({ width, height }) => width > 1 && height > 1);
    return box ? [box.x + box.width / 2, box.y + box.height / 2] : [NaN, NaN];
  };

  const isAsleep = (at) => at.disabled || at.getAttribute("aria-disabled") === "true";
  const parentOf = (at) => at.assignedSlot || at.parentElement || (at.getRootNode().host ?? null);
  const holds = (outer, inner) => {
    for (let at = inner; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  const hitIn = (document, x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit?.shadowRoot) {
      const deeper = hit.shadowRoot.elementFromPoint(x, y);
      if (!deeper || deeper === hit) break;
      hit = deeper;
    }
    return hit;
  };

  el.scrollIntoViewIfNeeded();
  let [x, y] = middle();
  if (aimedAt) {
    // A tab that nobody sees is not drawn.
    const drawn = new Promise((resume) => requestAnimationFrame(() => resume(true)));
    if (!await Promise.race([drawn, new Promise((resume) => setTimeout(resume, 500, false))])) return null;
    const [left, top] = middle();
    if (left !== x || top !== y) return null;
  }
  for (let at = el; at; at = parentOf(at)) if (isAsleep(at)) return null;

  let target = el;
  for (let view = window; ; view = view.parent) {
    if (!holds(target, hitIn(view.document, x, y))) return null;
    if (view === view.top) return !aimedAt || (aimedAt[0] === x && aimedAt[1] === y) ? [x, y] : null;
    try {
      target = view.frameElement;
    } catch {
      return null;
    }
    if (!target) return null;
    const box = target.getBoundingClientRect();
    const look = target.ownerDocument.defaultView.getComputedStyle(target);
    // A frame that is drawn larger or smaller than it is.
    if (Math.abs(box.width - target.offsetWidth) > 1 || Math.abs(box.height - target.offsetHeight) > 1) return null;
    x += box.x + target.clientLeft + parseFloat(look.paddingLeft);
    y += box.y + target.clientTop + parseFloat(look.paddingTop);
  }
}
