import { h, icon, kbd } from "./dom.js";
import { formatRange } from "./format.js";

/**
 * @typedef {import("./stage.js").Region} Region
 * @typedef {{body: string, region: Region | null, time: [number, number] | null, reply_to?: string}} Draft
 */

/** Write a note in the panel. It says "change" when its region or range changes. */
export class Composer extends EventTarget {
  /** @param {HTMLElement} place @param {(draft: Draft) => Promise<unknown>} onsend */
  constructor(place, onsend) {
    super();
    this.place = place;
    this.onsend = onsend;
    /** @type {Region | null} */
    this.region = null;
    /** @type {[number, number] | null} */
    this.time = null;
    /** @type {{id: string, author: string} | null} */
    this.replyTo = null;
    this.field = h("textarea", { "aria-label": "Note", placeholder: "What should change?", rows: 2, maxlength: 4000 });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
      if (event.key === "Escape") this.close();
    });
  }

  get open() {
    return this.place.childElementCount > 0;
  }

  /**
   * A still has places and no times, so the later one of both holds.
   *
   * @param {{region?: Region | null, time?: [number, number] | null, replyTo?: {id: string, author: string} | null, pictures: boolean, still?: boolean}} start
   */
  start({ region, time, replyTo, pictures, still = false }) {
    if (region !== undefined) this.region = region;
    if (time !== undefined) this.time = time;
    if (still && region) this.time = null;
    if (still && time) this.region = null;
    if (replyTo !== undefined) this.replyTo = replyTo;
    this.pictures = pictures;
    this.render();
    this.place.scrollIntoView({ block: "nearest" });
    this.field.focus({ preventScroll: true });
    this.dispatchEvent(new Event("change"));
  }

  render() {
    this.place.replaceChildren(
      h(
        "div",
        { class: "compose", role: "group", "aria-label": "New note" },
        h("div", { class: "at" }, this.chips()),
        this.field,
        this.pictures && !this.replyTo ? this.numbers() : null,
        h(
          "div",
          { class: "acts" },
          h("small", null, kbd("Enter"), " sends"),
          h("button", { type: "button", class: "b quiet", onclick: () => this.close() }, "Cancel"),
          h("button", { type: "button", class: "b primary", id: "send-note", onclick: () => this.send() }, this.replyTo ? "Reply" : "Add note"),
        ),
      ),
    );
  }

  chips() {
    /** @type {[string, () => void][]} */
    const shown = [];
    if (this.replyTo) shown.push([`Reply to ${this.replyTo.author}`, () => this.set({ replyTo: null })]);
    if (this.region) shown.push([this.region[2] ? "On the box" : "On the point", () => this.set({ region: null })]);
    if (this.time) shown.push([formatRange(this.time), () => this.set({ time: null })]);
    const made = shown.map(([text, drop]) => h("button", { type: "button", class: "chip", onclick: drop, "aria-label": `Without: ${text}` }, text, icon("close")));
    if (!made.length) return [h("small", { class: "muted" }, this.pictures ? "On the whole picture. Click or drag on it for a place." : "On the whole narration. I and O mark a range.")];
    return made;
  }

  /** A place without dragging. */
  numbers() {
    const names = ["Left", "Top", "Width", "Height"];
    const inputs = names.map((_, at) => h("input", { type: "number", min: 0, max: 100, step: 0.1, value: this.region?.[at] ?? "", oninput: () => read() }));
    const read = () => {
      const values = inputs.map((one) => Number(one.value));
      this.region = /** @type {Region} */ (values.map((one) => Math.max(0, Math.min(100, one))));
      this.dispatchEvent(new Event("change"));
    };
    return h("details", null, h("summary", null, "Place in numbers, percent"), h("div", { class: "four" }, names.map((name, at) => h("label", null, name, inputs[at]))));
  }

  /** @param {Partial<Pick<Composer, "region" | "time" | "replyTo">>} change */
  set(change) {
    Object.assign(this, change);
    if (this.open) this.render();
    this.field.focus();
    this.dispatchEvent(new Event("change"));
  }

  async send() {
    const body = this.field.value.trim();
    if (!body) {
      this.field.focus();
      return;
    }
    const draft = { body, region: this.region, time: this.time, ...(this.replyTo ? { reply_to: this.replyTo.id } : {}) };
    try {
      const sent = this.onsend(draft);
      this.close();
      await sent;
    } catch {
      if (!this.open) this.start({ region: draft.region, time: draft.time, pictures: !!this.pictures });
      this.field.value = body;
    }
  }

  close() {
    const focused = this.place.contains(document.activeElement);
    this.place.replaceChildren();
    this.field.value = "";
    this.region = this.time = this.replyTo = null;
    this.dispatchEvent(new Event("change"));
    if (focused) document.getElementById("asset-title")?.focus({ preventScroll: true });
  }
}
