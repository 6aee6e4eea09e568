import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, kbd } from "./dom.js";
import { toasts } from "./toasts.js";

const SHOWN = 12;

/** @type {Map<string, Promise<string[]>>} */
const reasons = new Map();

/** Reasons used before in this project, most used first. @param {import("./store.js").RunStore} store */
export function readReasons(store) {
  let found = reasons.get(store.runId);
  if (!found) {
    found = get(store.path("/reasons")).then((answer) => (answer.reasons ?? answer).map((/** @type {any} */ one) => one.reason ?? one));
    found.catch(() => reasons.delete(store.runId));
    reasons.set(store.runId, found);
  }
  return found;
}

/**
 * Ask why. Enter sends, also without a reason.
 *
 * @param {import("./store.js").RunStore} store
 * @param {{title: string, lead?: string, word: string, required?: boolean, start?: string}} words
 * @param {(reason: string) => void} onsend
 */
export function askReason(store, { title, lead, word, required = false, start = "" }, onsend) {
  const field = h("input", { type: "text", id: "reason", autocomplete: "off", value: start, maxlength: 500, required, placeholder: required ? "Why?" : "Why? It may stay empty." });
  const chips = h("fieldset", { class: "chiprow" }, h("legend", { class: "visually-hidden" }, "Reasons used before"));
  /** @param {string} reason */
  const add = (reason) => {
    const parts = field.value.split(/\s*;\s*/).filter(Boolean);
    field.value = (parts.includes(reason) ? parts.filter((one) => one !== reason) : [...parts, reason]).join("; ");
    press();
    field.focus();
  };
  const press = () => {
    const parts = field.value.split(/\s*;\s*/);
    for (const chip of chips.querySelectorAll("button")) chip.setAttribute("aria-pressed", `${parts.includes(chip.textContent ?? "")}`);
  };
  field.addEventListener("input", press);
  readReasons(store).then(
    (found) => {
      chips.append(...found.slice(0, SHOWN).map((reason) => h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => add(reason) }, reason)));
      press();
    },
    (failure) => toasts.fail(failure),
  );
  const dialog = openDialog({
    title,
    lead,
    class: "reason",
    body: [h("div", { class: "field" }, h("label", { for: "reason" }, "Reason"), field), chips],
    foot: [
      h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"),
      h("button", { type: "submit", class: "b no", id: "send-reason" }, word, kbd("Enter")),
    ],
    onsubmit: () => {
      if (required && !field.value.trim()) return field.focus();
      dialog.close();
      onsend(field.value.trim());
      reasons.delete(store.runId);
    },
  });
  field.focus();
}
