import { h, mark } from "./dom.js";
import { setStyle } from "./dom.js";
import { drawPeaks } from "./peaks.js";
import { KINDS, keyOf } from "./store.js";

const AHEAD = 6;

/** The segments in a line, with the marks that need attention. Only what is seen is in the page. */
export class Strip {
  /**
   * @param {HTMLElement} root
   * @param {import("./store.js").RunStore} store
   * @param {(segment: number) => void} onpick
   */
  constructor(root, store, onpick) {
    this.root = root;
    this.store = store;
    this.onpick = onpick;
    this.list = h("ol", { "aria-label": "Segments" });
    this.root.replaceChildren(this.list);
    /** @type {Map<number, HTMLLIElement>} */
    this.items = new Map();
    /** @type {{segment: number, kind: string} | null} */
    this.current = null;
    /** @type {(entry: import("./types.js").Entry) => boolean} */
    this.wanted = () => true;
    this.root.addEventListener("scroll", () => this.render(), { passive: true });
    new ResizeObserver(() => this.reset()).observe(this.root);
    store.addEventListener("rows", () => this.reset());
  }

  get step() {
    return innerWidth < 900 ? 38 : 132;
  }

  /** Draw everything anew. */
  reset() {
    for (const item of this.items.values()) item.remove();
    this.items.clear();
    this.known = this.store.segments.length;
    setStyle(this.list, { width: `${this.store.segments.length * this.step + 24}px` });
    this.render();
  }

  render() {
    const { segments } = this.store;
    const from = Math.max(0, Math.floor(this.root.scrollLeft / this.step) - AHEAD);
    const to = Math.min(segments.length, Math.ceil((this.root.scrollLeft + this.root.clientWidth) / this.step) + AHEAD);
    const seen = new Set(segments.slice(from, to));
    for (const [segment, item] of this.items) {
      if (seen.has(segment)) continue;
      item.remove();
      this.items.delete(segment);
    }
    for (let at = from; at < to; at += 1) if (!this.items.has(segments[at])) this.add(segments[at], at);
  }

  /** @param {number} segment @param {number} at */
  add(segment, at) {
    const item = h("li", { data: { segment: `${segment}` } });
    setStyle(item, { left: `${12 + at * this.step}px` });
    this.items.set(segment, item);
    this.list.append(item);
    this.fill(item, segment);
    this.store.ensureRows(segment).catch(() => undefined);
  }

  /** @param {HTMLLIElement} item @param {number} segment */
  fill(item, segment) {
    const row = this.store.rows.get(segment);
    const entries = KINDS.map((kind) => this.store.byKey.get(`${segment}/${kind}`)).filter((one) => one !== undefined);
    const seen = row?.assets.image ?? row?.assets.video;
    const thumb = seen?.present === false ? null : seen?.thumb;
    const picture = thumb ? h("img", { src: thumb, alt: "", loading: "lazy", fetchpriority: "low", decoding: "async", width: 116, height: 58 }) : h("p", null, row?.shown.slice(0, 60) ?? "");
    const marks = entries.map((entry) => this.makeMark(entry));
    if (row?.text_in_conflict) marks.unshift(mark("conflict"));
    item.replaceChildren(
      h(
        "button",
        { type: "button", class: "seg", onclick: () => this.onpick(segment), "aria-label": `Segment ${segment}: ${entries.map((one) => `${one.kind} ${one.status}`).join(", ")}` },
        h("div", { class: "pic" }, picture),
        h("div", { class: "mini" }, drawPeaks((row?.assets.audio?.present !== false && row?.assets.audio?.peaks) || null, 34)),
        h("div", { class: "cap" }, h("b", null, `${segment}`), h("span", { class: "marks" }, marks)),
      ),
    );
    item.classList.toggle("off", entries.length > 0 && !entries.some(this.wanted));
    this.light(item, segment);
  }

  /** @param {import("./types.js").Entry} entry */
  makeMark(entry) {
    const name = ["conflict", "missing", "altered", "stale"].find((one) => entry.flags.includes(one)) ?? entry.status;
    const made = mark(name);
    made.dataset.key = keyOf(entry);
    return made;
  }

  /** @param {HTMLLIElement} item @param {number} segment */
  light(item, segment) {
    const here = this.current?.segment === segment;
    item.classList.toggle("cur", here);
    const button = item.querySelector("button");
    if (here) button?.setAttribute("aria-current", "true");
    else button?.removeAttribute("aria-current");
    for (const shape of item.querySelectorAll(".marks .mark")) shape.classList.toggle("here", here && /** @type {SVGElement} */ (shape).dataset.key === `${segment}/${this.current?.kind}`);
  }

  /** @param {string[]} keys */
  update(keys) {
    const changed = new Set(keys.map((key) => Number(key.split("/")[0])));
    if (this.list.childElementCount === 0 || this.known !== this.store.segments.length) this.reset();
    for (const segment of changed) {
      const item = this.items.get(segment);
      if (item) this.fill(item, segment);
    }
  }

  /** @param {(entry: import("./types.js").Entry) => boolean} wanted */
  filter(wanted) {
    this.wanted = wanted;
    for (const [segment, item] of this.items) this.fill(item, segment);
  }

  /** Bring a segment into view and mark it. @param {{segment: number, kind: string}} entry */
  go(entry) {
    const before = this.current?.segment;
    this.current = entry;
    const at = this.store.position?.get(entry.segment) ?? 0;
    const left = 12 + at * this.step;
    const { scrollLeft, clientWidth } = this.root;
    if (left < scrollLeft + this.step || left > scrollLeft + clientWidth - 2 * this.step) this.root.scrollLeft = left - clientWidth / 2 + this.step / 2;
    this.render();
    for (const segment of new Set([before, entry.segment])) {
      const item = segment === undefined ? undefined : this.items.get(segment);
      if (item && segment !== undefined) this.light(item, segment);
    }
  }
}
