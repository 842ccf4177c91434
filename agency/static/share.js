// A button that prints the page, and one that copies its link.
"use strict";
document.addEventListener("click", async (event) => {
  if (event.target.closest("[data-print]")) window.print();
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  await navigator.clipboard.writeText(copy.dataset.copy);
  copy.querySelector("span").textContent = copy.dataset.copied;
});
