"use strict";

// Small things that every page has.

if (window.top !== window) document.documentElement.classList.add("framed");

function toggleMenu(name) {
  const menu = document.getElementById("menu-" + name);
  menu.hidden = !menu.hidden;
}

function pick(link) {
  for (const other of link.parentElement.querySelectorAll("a")) other.classList.toggle("on", other === link);
}

function showTab(link, name) {
  pick(link);
  for (const tab of document.querySelectorAll(".login-tab")) tab.hidden = tab.id !== "tab-" + name;
  const frame = document.querySelector("#tab-" + name + " iframe[data-src]");
  if (frame && !frame.src) frame.src = frame.dataset.src;
}

function submitForm(id) {
  if (mayGoOn()) document.getElementById(id).submit();
}

function closeNotice(link) {
  link.closest(".layui-layer").remove();
  document.querySelector(".layui-layer-shade").remove();
}
