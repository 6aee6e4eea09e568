import { h, icon, kbd, withCode } from "./dom.js";

const SHOWN_MS = 6000;

/**
 * @typedef {object} Offer
 * @property {string} label
 * @property {string} [key]
 * @property {() => void} run
 */

/** Messages over the stage: the last thing that happened, and failures until they have been read. They are read out. */
class Toasts {
  constructor() {
    this.place = h("div", { class: "toasts", role: "status", "aria-live": "polite", "aria-atomic": "false", popover: "manual" });
    document.body.append(this.place);
    this.place.showPopover?.();
  }

  /**
   * @param {string} text
   * @param {{mark?: string, hint?: string | null, bad?: boolean, offers?: Offer[], keep?: boolean}} [more]
   * @returns {() => void} Takes it away.
   */
  show(text, { mark = "", hint = null, bad = false, offers = [], keep = false } = {}) {
    const toast = h(
      "div",
      { class: bad ? "toast bad" : "toast" },
      mark && h("span", { class: `st st-${mark}` }, icon(mark)),
      h("p", null, withCode(text), hint && h("small", null, withCode(hint))),
      offers.map((one) => this.button(one, () => end())),
      bad && h("button", { type: "button", "aria-label": "Close this message", onclick: () => end() }, icon("close")),
    );
    const end = () => toast.remove();
    // A failure that is told in two ways, such as by the answer and by the job, is shown once.
    for (const old of [...this.place.children]) if (!old.matches(".bad") || old.textContent === toast.textContent) old.remove();
    while (this.place.children.length > 2) this.place.firstElementChild?.remove();
    this.raise();
    this.place.append(toast);
    if (!keep) this.fade(toast, bad ? SHOWN_MS * 2.5 : SHOWN_MS);
    return end;
  }

  /** Above an open dialog: the last that was shown is on top. */
  raise() {
    if (!document.querySelector("dialog[open]") || !this.place.showPopover) return;
    this.place.hidePopover();
    this.place.showPopover();
  }

  /** @param {Offer} offer @param {() => void} end */
  button(offer, end) {
    const press = () => {
      end();
      offer.run();
    };
    return h("button", { type: "button", onclick: press }, offer.label, offer.key && kbd(offer.key));
  }

  /** A message stays while it is pointed at or has the focus. @param {HTMLElement} toast @param {number} after_ms */
  fade(toast, after_ms) {
    let timer = setTimeout(() => toast.remove(), after_ms);
    const hold = () => clearTimeout(timer);
    const go = () => {
      timer = setTimeout(() => toast.remove(), SHOWN_MS / 2);
    };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", go);
    toast.addEventListener("focusout", go);
  }

  /** @param {unknown} failure @param {Offer[]} [offers] */
  fail(failure, offers = []) {
    if (failure instanceof DOMException && failure.name === "AbortError") return;
    const { message, hint } = /** @type {{message: string, hint?: string | null}} */ (failure);
    this.show(message, { bad: true, mark: "rejected", hint: hint ?? null, offers });
    if (!("kind" in /** @type {object} */ (failure))) console.error(failure);
  }
}

export const toasts = new Toasts();
