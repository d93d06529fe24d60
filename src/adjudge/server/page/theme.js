// Loaded before anything is drawn, so that a chosen theme never flashes. No module: those wait for the page.
"use strict";
(() => {
  try {
    const chosen = localStorage.getItem("adjudge.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // storage is switched off: the system's theme it is
  }
})();
