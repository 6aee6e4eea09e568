import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { toasts } from "./toasts.js";

/** Ask a visitor for the name that stands in the commits. @param {import("./store.js").RunStore} store @param {() => void} ondone */
export function askName(store, ondone) {
  const field = h("input", { type: "text", id: "own-name", autocomplete: "name", maxlength: 200 });
  const dialog = openDialog({
    title: "Who decides?",
    lead: "Your name is recorded with every decision.",
    body: [h("div", { class: "field" }, h("label", { for: "own-name" }, "Your name"), field)],
    foot: [h("button", { type: "submit", class: "b primary" }, "Go on")],
    onsubmit: async () => {
      try {
        const { name } = await post("/api/name", { name: field.value });
        Object.assign(store.info.can, { name, needs_name: false, decide: true });
        dialog.close();
        ondone();
      } catch (failure) {
        toasts.fail(failure);
      }
    },
  });
  field.focus();
}
