import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { toasts } from "./toasts.js";

/**
 * Ask which text holds where two branches changed the same lines. Nothing is chosen beforehand.
 *
 * @param {import("./decide.js").Decider} decider
 * @param {import("./types.js").Row} row
 */
export function settleText(decider, row) {
  const field = h("textarea", { id: "settled-text", rows: 5, required: true, maxlength: 20000 });
  field.value = row.text;
  /** @param {string} text */
  const take = (text) => {
    field.value = text;
    field.focus();
  };
  const sides = row.texts.map((text) => h("button", { type: "button", class: "side serif", onclick: () => take(text) }, text));
  const dialog = openDialog({
    title: `Settle the text of segment ${row.segment}`,
    lead: "Take one of the two, or write what holds. Narration and picture made for another text become stale.",
    class: "settle",
    body: [
      h("div", { class: "sides", role: "group", "aria-label": "The two texts" }, sides),
      h("div", { class: "field" }, h("label", { for: "settled-text" }, "Text"), field),
    ],
    foot: [
      h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"),
      h("button", { type: "submit", class: "b primary" }, "Keep this text"),
    ],
    onsubmit: async () => {
      if (!field.value.trim()) return field.focus();
      const text = field.value.trim();
      try {
        await decider.send("/edit", { segment: row.segment, text });
        await decider.store.refresh();
        dialog.close();
        toasts.show(`The text of segment ${row.segment} is settled`, { mark: "approved" });
      } catch (failure) {
        toasts.fail(failure);
      }
    },
  });
  field.focus();
}
