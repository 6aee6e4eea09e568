/** What a person has set in this browser. Where storage is off it lasts as long as the page. */

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} name @param {string} fallback */
export function readPref(name, fallback) {
  try {
    return localStorage.getItem(`gitassets.${name}`) ?? memory.get(name) ?? fallback;
  } catch {
    return memory.get(name) ?? fallback;
  }
}

/** @param {string} name @param {string} value */
export function writePref(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(`gitassets.${name}`, value);
  } catch {
    // Storage is off: `memory` has it.
  }
}

/** Change from dark to light or back. */
export function turnTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  writePref("theme", dark ? "light" : "dark");
  document.dispatchEvent(new CustomEvent("themechange"));
}
