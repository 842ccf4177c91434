// Light or dark, as the person's system says. Loaded before the page is drawn, so that nothing flashes.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  follow();
  dark.addEventListener("change", follow);
  document.documentElement.classList.add("scripted");
})();
