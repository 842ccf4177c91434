"use strict";

// The control page: buttons post to the API; the page is drawn again by the server each second.

(() => {
  const api = "/_sim/api/";

  async function draw() {
    const text = await (await fetch("/_sim/")).text();
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of ["h2", "section:nth-of-type(1)", "section:nth-of-type(2) tbody", "section:nth-of-type(3) ul"]) {
      const [old, now] = [document, fresh].map((page) => page.querySelector("#backstage " + part));
      const isOpen = old.querySelector("details[open]"); // somebody is reading a PIN
      if (!isOpen && old.innerHTML !== now.innerHTML) old.innerHTML = now.innerHTML;
    }
  }

  async function post(path, body) {
    const response = await fetch(api + path, { method: "POST", body: JSON.stringify(body) });
    const answer = await response.json();
    const error = document.getElementById("error");
    error.textContent = answer.error || "";
    error.hidden = answer.ok;
    await draw();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-post]");
    if (!button) return;
    const { post: path, clear, ...body } = button.dataset;
    post(path, clear ? { ...body, clear: true } : body);
  });

  document.getElementById("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    fields.times = fields.times ? Number(fields.times) : null;
    fields.screen = fields.screen || null;
    post("faults", fields);
  });

  setInterval(() => draw().catch(() => {}), 1000);
})();
