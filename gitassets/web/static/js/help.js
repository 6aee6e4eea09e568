import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { singleKeysOn } from "./keys.js";
import { writePref } from "./prefs.js";

/** @type {Record<string, string>} */
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "Shift+ArrowLeft": "⇧←", "Shift+ArrowRight": "⇧→", "1-9": "1–9", "Ctrl+Z": "Ctrl Z" };

/** Show every key of this page, and the switch for single keys. @param {import("./keys.js").Binding[]} bindings */
export function openHelp(bindings) {
  const box = h("input", { type: "checkbox", checked: singleKeysOn(), onchange: () => writePref("keys", box.checked ? "on" : "off") });
  openDialog({
    title: "Keys",
    lead: "They work while you are not typing and no dialog is open.",
    class: "wide",
    body: [
      h("dl", { class: "keys" }, bindings.filter((one) => one.what).map(line)),
      h(
        "label",
        { class: "switch" },
        box,
        h("span", null, "Use single keys", h("small", null, "Turn this off if you dictate, or press keys by accident. Arrow keys and Ctrl+Z stay.")),
      ),
    ],
  });
}

/** @param {import("./keys.js").Binding} binding */
function line({ keys, what }) {
  return h("div", null, h("dt", null, keys.split(" ").map((one) => h("kbd", null, SHOWN[one] ?? one))), h("dd", null, what));
}
