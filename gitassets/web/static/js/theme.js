// A classic script that blocks: the page is painted in the chosen scheme from its first frame on.
(() => {
  try {
    const chosen = localStorage.getItem("gitassets.theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is off: the system's scheme holds.
  }
})();
