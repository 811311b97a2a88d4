// Runs before anything is drawn, so that no page flashes in the other theme.
"use strict";
(() => {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch {
    // Without a store the theme is that of the system.
  }
})();
