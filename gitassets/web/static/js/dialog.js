import { h, icon } from "./dom.js";

/**
 * Open a modal dialog. The browser keeps the focus inside, closes it by Escape and gives the focus back.
 *
 * @param {{title: string, lead?: string, body: (Node | string | null | false)[], foot?: (Node | string | null | false)[],
 *   onsubmit?: (form: HTMLFormElement) => void, class?: string, onclose?: () => void}} parts
 * @returns {HTMLDialogElement}
 */
export function openDialog({ title, lead, body, foot = [], onsubmit, class: name = "", onclose }) {
  const heading = `d${Math.random().toString(36).slice(2)}`;
  const close = h("button", { type: "button", class: "b quiet icon", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    h("div", { class: "dhead" }, h("div", { class: "grow" }, h("h2", { id: heading }, title), lead && h("p", null, lead)), close),
    h("div", { class: "dbody" }, ...body),
    foot.length ? h("div", { class: "dfoot" }, ...foot) : null,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onsubmit?.(form);
  });
  const dialog = h("dialog", { "aria-labelledby": heading, class: name }, form);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  if (document.activeElement === close) /** @type {HTMLElement | null} */ (form.querySelector(".dbody :is(textarea, input:not([type=checkbox]), button, a)"))?.focus();
  return dialog;
}
