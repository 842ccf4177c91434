// Opens a picture of the evidence over the page; without script its link shows it alone.
"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  const [picture, caption] = [viewer.querySelector("img"), viewer.querySelector("p")];
  let shown = null;

  function show(shot) {
    shown = shot;
    picture.src = shot.href;
    picture.alt = shot.querySelector("img").alt;
    caption.textContent = shot.textContent.trim();
    if (!viewer.open) viewer.showModal();
  }

  document.addEventListener("click", (event) => {
    const shot = event.target.closest("[data-viewer]");
    if (shot && !event.ctrlKey && !event.metaKey) { event.preventDefault(); show(shot); }
    if (event.target === viewer) viewer.close();
  });

  viewer.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const all = [...document.querySelectorAll("[data-viewer]")];
    const next = by && all[all.indexOf(shown) + by];
    if (next) show(next);
  });
})();
