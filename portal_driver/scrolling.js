/* Brings everything that can be scrolled into sight, screen by screen; returns whether there was anything. */
async () => {
  const STEPS = 40;
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const elementsOf = (root) => [...root.querySelectorAll("*")].flatMap((el) => [el, ...(el.shadowRoot ? elementsOf(el.shadowRoot) : [])]);
  const scrolls = (el) =>
    el.scrollHeight > el.clientHeight + 20 && el.clientHeight > 60 &&
    (el === document.scrollingElement || /auto|scroll|overlay/.test(getComputedStyle(el).overflowY));

  const all = [document.scrollingElement, ...elementsOf(document)].filter((el) => el && scrolls(el));
  for (const el of new Set(all)) {
    for (let step = 0; step < STEPS && el.scrollTop + el.clientHeight < el.scrollHeight - 1; step += 1) {
      el.scrollTop += el.clientHeight * 0.8;
      await painted();
    }
  }
  return all.length > 0;
}
