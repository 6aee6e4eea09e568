import { readPref } from "./prefs.js";

/**
 * @typedef {object} Binding
 * @property {string} keys As shown: "A", "Shift+ArrowLeft", "1-9". Several are separated by spaces.
 * @property {string} what For the help.
 * @property {(event: KeyboardEvent) => void} run
 * @property {boolean} [repeats] Held keys repeat it. Never so for decisions.
 */

/** Can single keys be used? People who speak to their computer turn them off (WCAG 2.1.4). */
export const singleKeysOn = () => readPref("keys", "on") === "on";

/** The slider of the wipe moves by the arrow keys; all other keys are the page's. @param {KeyboardEvent} event */
function isTyping({ target, key }) {
  if (target instanceof HTMLInputElement && target.type === "range") return key.startsWith("Arrow");
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(target.type);
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  const named = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shifted = event.shiftKey && event.key.length > 1;
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shifted ? "Shift+" : ""}${named}`;
}

/** @param {string} keys @param {string} name */
function matches(keys, name) {
  return keys.split(" ").some((one) => one === name || (one === "1-9" && /^[1-9]$/.test(name)));
}

/** @param {KeyboardEvent} event A button or link has the focus and this key presses it. */
function pressesTarget(event) {
  return event.key === " " && event.target instanceof HTMLElement && !!event.target.closest("button, a, summary, input[type=checkbox]");
}

/** Listen for the page's keys. @param {Binding[]} bindings */
export function bindKeys(bindings) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || isTyping(event) || pressesTarget(event)) return;
    if (document.querySelector("dialog[open]")) return;
    const name = nameOf(event);
    const found = bindings.find((one) => matches(one.keys, name));
    if (!found || (name.length === 1 && !singleKeysOn())) return;
    event.preventDefault();
    if (!event.repeat || found.repeats) found.run(event);
  });
}
