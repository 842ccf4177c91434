// The desk's page: sounds, keys, and focus that stays where it was. The page works without it.
"use strict";
(() => {
  const REMEMBERED = "xubao.desk.sound";
  const TONES = { take_out: [660, 880], insert: [520], person: [880, 620, 880] }; // hertz, one after another
  const button = document.querySelector("[data-sound]");
  let audio = null;

  function play(cue) {
    if (!audio || !TONES[cue]) return;
    TONES[cue].forEach((hertz, place) => {
      const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
      const from = audio.currentTime + place * 0.22;
      tone.frequency.value = hertz;
      loudness.gain.setValueAtTime(0.2, from);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.2);
      tone.connect(loudness).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.2);
    });
  }

  function sound(on) {
    audio = on ? audio ?? new AudioContext() : null;
    button.setAttribute("aria-pressed", String(on));
    button.querySelector("[data-on]").hidden = !on;
    button.querySelector("[data-off]").hidden = on;
    localStorage.setItem(REMEMBERED, on ? "on" : "off");
  }

  button.addEventListener("click", () => { sound(!audio); play("insert"); });
  if (localStorage.getItem(REMEMBERED) === "on") sound(true);
  // A browser lets a page sound only after somebody has touched it.
  for (const touch of ["keydown", "pointerdown"]) document.addEventListener(touch, () => audio?.resume());

  const live = () => document.getElementById("live");
  let heard = live().dataset.cueKey;

  function changed() {
    if (live().dataset.cueKey === heard) return;
    heard = live().dataset.cueKey;
    play(live().dataset.cue);
    document.querySelector("[data-spoken]").textContent =
      [...live().querySelectorAll("[data-say]")].map((words) => words.textContent).join(" ");
    // Whoever asks for a PIN has nobody else's focus to take.
    if (document.activeElement === document.body) live().querySelector("[data-here]")?.focus({ preventScroll: true });
  }

  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => { focused = document.activeElement?.id; });
  document.addEventListener("htmx:afterSwap", () => {
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
    changed();
  });

  const keys = {
    i: () => live().querySelector("[data-here]")?.focus(),
    l: () => document.getElementById("sheet").click(),
    p: () => live().querySelector("[data-pause]")?.focus(),
    s: () => button.click(),
    "?": () => document.getElementById("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.target.closest("input, select, textarea, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
  });

  if (document.activeElement === document.body) live().querySelector("[data-here]")?.focus({ preventScroll: true });
})();
