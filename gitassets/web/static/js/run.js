import { Decider } from "./decide.js";
import { h, icon, mark, one, readData, setStyle, status, svg } from "./dom.js";
import { count, formatTime } from "./format.js";
import { openHelp } from "./help.js";
import { Jobs } from "./jobs.js";
import { bindKeys } from "./keys.js";
import { coalesce, listen } from "./live.js";
import { drawPeaks } from "./peaks.js";
import { PlayThrough } from "./play.js";
import { readPref, turnTheme, writePref } from "./prefs.js";
import { askReason } from "./reject.js";
import { settleText } from "./settle.js";
import { KINDS, RunStore, needsDecision } from "./store.js";
import { toasts } from "./toasts.js";
import { openRunMenu, showProgress } from "./top.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Row} Row
 */

/** Up to here every row is in the page, so that the browser's own search finds all; above it only those in sight. */
const PLAIN = 500;
const AHEAD_PX = 900;
const NARROW = matchMedia("(max-width: 899px)");
const STATUSES = ["draft", "review", "revised", "approved", "rejected", "published", "stale", "altered", "conflict", "missing"];

class RunPage {
  constructor() {
    this.store = new RunStore(readData());
    this.list = one("#list");
    this.view = readPref("view", "rows");
    this.search = /** @type {HTMLInputElement} */ (one("#search"));
    /** @type {Set<string>} */
    this.wanted = new Set();
    this.kind = "";
    /** @type {Set<number>} */
    this.selected = new Set();
    /** @type {number[]} */
    this.shown = [];
    /** @type {Map<number, HTMLElement>} */
    this.items = new Map();
    /** @type {number | null} */
    this.anchor = null;
    /** @type {number | null} */
    this.hearing = null;
    this.player = new Audio();
    this.jobs = new Jobs(this.store);
    this.decider = new Decider(this.store, () => this.update([]));
    this.listen();
    this.filter();
  }

  listen() {
    const { store } = this;
    store.addEventListener("change", (event) => this.update(/** @type {CustomEvent} */ (event).detail.keys));
    store.addEventListener("rows", () => this.redraw());
    addEventListener("scroll", () => this.render(), { passive: true });
    new ResizeObserver(() => this.redraw()).observe(this.list);
    this.search.addEventListener("input", () => this.filter());
    this.player.addEventListener("ended", () => this.hear(null));
    this.jobs.addEventListener("change", () => showProgress(this.jobs));
    const refresh = coalesce(() => store.refresh().catch((failure) => toasts.fail(failure)));
    listen(store.runId, {
      head: async ({ head }) => {
        await this.decider.queue;
        if (head !== store.info.head) refresh();
      },
      job: (job) => this.jobs.take(job),
    });
    /** @type {[string, () => void][]} */
    const buttons = [
      ["#approve", () => this.decide("approve")],
      ["#reject", () => this.reject()],
      ["#clear", () => this.select([])],
      ["#all", () => this.select(this.selected.size === this.shown.length ? [] : this.shown)],
      ["#theme", () => turnTheme()],
      ["#help", () => openHelp(this.keys)],
      ["#menu", () => openRunMenu(this.jobs, one("#menu"))],
      ["#play-through", () => this.playThrough()],
    ];
    for (const [selector, run] of buttons) one(selector).addEventListener("click", run);
    one("#which").addEventListener("change", () => this.showBatch());
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-view]"))) {
      if (button !== this.list) button.addEventListener("click", () => this.setView(button.dataset.view ?? "rows"));
    }
    bindKeys(this.keys);
    this.setView(this.view);
  }

  /** @type {import("./keys.js").Binding[]} */
  keys = [
    { keys: "A", what: "Approve the selected", run: () => this.decide("approve") },
    { keys: "R", what: "Reject the selected", run: () => this.reject() },
    { keys: "U Ctrl+Z", what: "Undo", run: () => this.decider.undo() },
    { keys: "G", what: "Review from the first undecided", run: () => location.assign(`/runs/${encodeURIComponent(this.store.runId)}/review`) },
    { keys: "P", what: "Play through", run: () => this.playThrough() },
    { keys: "/", what: "Filter", run: () => this.search.focus() },
    { keys: "Escape", what: "Select nothing", run: () => this.select([]) },
    { keys: "?", what: "This help", run: () => openHelp(this.keys) },
  ];

  playThrough() {
    this.hear(null);
    new PlayThrough(this.store, () => undefined).open(this.shown[0] ?? 1);
  }

  // Which

  filter() {
    const words = this.search.value.trim().toLowerCase();
    const numbers = parseRanges(words);
    if (words && !numbers) this.store.ensureAll().catch((failure) => toasts.fail(failure));
    this.shown = this.store.segments.filter((segment) => {
      const own = this.entriesOf(segment).filter((entry) => !this.kind || entry.kind === this.kind);
      if (this.kind && !own.length) return false;
      const disputed = this.wanted.has("conflict") && this.store.info.disputed.includes(segment);
      if (this.wanted.size && !disputed && !own.some((entry) => this.wants(entry))) return false;
      if (!words) return true;
      return numbers ? numbers(segment) : this.textOf(segment).includes(words);
    });
    const shown = new Set(this.shown);
    this.known = this.store.segments.length;
    this.select([...this.selected].filter((segment) => shown.has(segment)));
    this.showFilters();
    this.redraw();
  }

  /** @param {Entry} entry */
  wants(entry) {
    return this.wanted.has(entry.status) || entry.flags.some((flag) => this.wanted.has(flag)) || (this.wanted.has("needs") && needsDecision(entry));
  }

  /** @param {number} segment */
  textOf(segment) {
    const row = this.store.rows.get(segment);
    if (!row) return "";
    return [row.text, row.shown, row.notes, ...KINDS.map((kind) => row.assets[kind]?.prompt)].join("\n").toLowerCase();
  }

  /** @param {number} segment @returns {Entry[]} */
  entriesOf(segment) {
    return KINDS.flatMap((kind) => this.store.byKey.get(`${segment}/${kind}`) ?? []);
  }

  showFilters() {
    const { decided, total, counts } = this.store.count();
    const disputed = this.store.info.disputed.length;
    if (disputed) counts.conflict = (counts.conflict ?? 0) + disputed;
    const good = (counts.approved ?? 0) + (counts.published ?? 0);
    one("#decided").textContent = `${decided} of ${total} decided`;
    one("#bar").replaceChildren(
      svg("rect", { class: "approved", width: (100 * good) / Math.max(1, total), height: 6 }),
      svg("rect", { class: "rejected", x: (100 * good) / Math.max(1, total), width: (100 * (counts.rejected ?? 0)) / Math.max(1, total), height: 6 }),
    );
    const chip = (/** @type {string} */ name, /** @type {string} */ word, /** @type {number} */ many) => {
      const press = () => {
        if (!this.wanted.delete(name)) this.wanted.add(name);
        this.filter();
      };
      return h("button", { type: "button", class: "chip", "aria-pressed": `${this.wanted.has(name)}`, onclick: press }, STATUSES.includes(name) ? mark(name) : null, `${word} ${many}`);
    };
    const marks = STATUSES.filter((name) => counts[name] || this.wanted.has(name)).map((name) => chip(name, name, counts[name] ?? 0));
    const kinds = KINDS.filter((kind) => this.store.entries.some((entry) => entry.kind === kind)).map((kind) => {
      const press = () => {
        this.kind = this.kind === kind ? "" : kind;
        this.filter();
      };
      return h("button", { type: "button", class: "chip", "aria-pressed": `${this.kind === kind}`, onclick: press }, icon(kind), kind);
    });
    const place = one("#chips");
    const focused = place.contains(document.activeElement) ? [...place.children].indexOf(/** @type {Element} */ (document.activeElement)) : -1;
    place.replaceChildren(chip("needs", "Needs a decision", total - decided), ...marks, ...kinds);
    if (focused >= 0) /** @type {HTMLElement | undefined} */ (place.children[focused])?.focus();
    one("#shown").textContent = this.shown.length === this.store.segments.length ? count(this.shown.length, "segment") : `${this.shown.length} of ${count(this.store.segments.length, "segment")}`;
  }

  // What is seen

  /** @param {string} view */
  setView(view) {
    this.view = view;
    writePref("view", view);
    this.list.dataset.view = view;
    for (const button of document.querySelectorAll("button[data-view]")) button.setAttribute("aria-pressed", `${/** @type {HTMLElement} */ (button).dataset.view === view}`);
    this.redraw();
  }

  measure() {
    const width = this.list.clientWidth;
    if (this.view === "rows") return { columns: 1, width, height: NARROW.matches ? 153 : 109 };
    const columns = Math.max(2, Math.floor(width / (NARROW.matches ? 180 : 236)));
    const each = width / columns;
    return { columns, width: each, height: Math.round(((each - 24) * 9) / 16) + 96 };
  }

  redraw() {
    for (const item of this.items.values()) item.remove();
    this.items.clear();
    this.render();
  }

  render() {
    const { columns, width, height } = this.measure();
    const lines = Math.ceil(this.shown.length / columns);
    setStyle(this.list, { height: `${lines * height}px` });
    one("#none").hidden = this.shown.length > 0;
    const top = scrollY - this.list.offsetTop;
    const whole = this.shown.length <= PLAIN;
    const from = whole ? 0 : Math.max(0, Math.floor((top - AHEAD_PX) / height)) * columns;
    const to = whole ? this.shown.length : Math.min(this.shown.length, Math.ceil((top + innerHeight + AHEAD_PX) / height) * columns);
    const seen = new Set(this.shown.slice(from, to));
    for (const [segment, item] of this.items) {
      if (seen.has(segment)) continue;
      item.remove();
      this.items.delete(segment);
    }
    for (let at = from; at < to; at += 1) {
      const segment = this.shown[at];
      if (this.items.has(segment)) continue;
      const item = this.view === "rows" ? this.line(segment, at) : this.tile(segment, at);
      setStyle(item, { top: `${Math.floor(at / columns) * height}px`, ...(this.view === "rows" ? {} : { left: `${(at % columns) * width}px`, width: `${width}px` }) });
      this.items.set(segment, item);
      this.list.append(item);
      if (!this.store.rows.has(segment)) this.store.ensureRows(segment).catch(() => undefined);
    }
  }

  /** @param {number} segment @param {import("./types.js").Kind} kind */
  link(segment, kind) {
    return `/runs/${encodeURIComponent(this.store.runId)}/review#${segment}/${kind}`;
  }

  /** @param {number} segment @param {number} at */
  check(segment, at) {
    const box = h("input", { type: "checkbox", checked: this.selected.has(segment), "aria-label": `Select segment ${segment}` });
    box.addEventListener("click", (event) => this.pick(segment, at, box.checked, event.shiftKey));
    return h("label", null, box, `${segment}`);
  }

  /** @param {number} segment */
  look(segment) {
    const row = this.store.rows.get(segment);
    const seen = row?.assets.video ?? row?.assets.image;
    const kind = seen?.kind ?? "audio";
    const carried = row?.carried_from ? this.store.rows.get(row.carried_from) : undefined;
    const held = carried?.assets.video ?? carried?.assets.image;
    if (seen?.present === false) return h("a", { class: "look", href: this.link(segment, kind), "aria-label": `Review the ${kind} of segment ${segment}` }, h("span", { class: "none" }, "not here"));
    const none = row ? (row.carried_from ? `as in ${row.carried_from}` : "no picture") : "";
    return h(
      "a",
      { class: "look", href: this.link(segment, kind), "aria-label": `Review the ${kind} of segment ${segment}` },
      seen?.thumb ? h("img", { src: seen.thumb, alt: "", loading: "lazy", fetchpriority: "low", decoding: "async", width: 150, height: 84 }) : held?.thumb && held.present !== false ? h("img", { class: "held", src: held.thumb, alt: "", loading: "lazy", fetchpriority: "low", decoding: "async", width: 150, height: 84 }) : h("span", { class: "none" }, none),
      !seen && held ? h("span", { class: "clip" }, none) : null,
      seen?.kind === "video" ? h("span", { class: "clip" }, icon("video"), formatTime(seen.duration_sec)) : null,
    );
  }

  /** @param {number} segment @param {number} at */
  line(segment, at) {
    const row = this.store.rows.get(segment);
    const states = this.entriesOf(segment).map((entry) => this.state(entry));
    if (row?.text_in_conflict) states.unshift(h("div", { class: "state" }, h("span", null, "text"), status("conflict"), this.store.info.can.decide && h("button", { type: "button", class: "fetch", "aria-label": `Settle the text of segment ${segment}`, onclick: () => settleText(this.decider, row) }, "Settle…")));
    if (row && !states.length) states.push(h("div", { class: "state muted" }, "no assets yet"));
    const notes = [row?.notes, ...KINDS.map((kind) => row?.assets[kind]?.reason && `${kind}: ${row.assets[kind]?.reason}`)].filter(Boolean).join("\n");
    return h(
      "article",
      { class: this.selected.has(segment) ? "line on" : "line", "aria-label": `Segment ${segment}`, data: { segment: `${segment}` } },
      h("div", { class: "no" }, this.check(segment, at)),
      this.look(segment),
      h("div", { class: "text" }, h("p", null, row?.shown ?? "…"), this.makeHear(segment, row)),
      h("div", { class: "sts" }, states),
      h("div", { class: "notes" }, notes),
    );
  }

  /** @param {Entry} entry */
  state(entry) {
    const lacks = entry.flags.includes("missing");
    const fetch = lacks && this.store.info.can.decide && h("button", { type: "button", class: "fetch", "aria-label": `Fetch the ${entry.kind} of segment ${entry.segment}`, onclick: () => this.jobs.fetch(entry) }, icon("pull"), "Fetch");
    const marks = h("span", { class: "more" }, entry.flags.filter((flag) => flag !== "missing").map(mark), lacks && status("missing", "not here"));
    return h("div", { class: "state" }, h("a", { href: this.link(entry.segment, entry.kind) }, h("span", null, entry.kind), status(entry.status), marks), fetch);
  }

  /** @param {number} segment @param {Row | undefined} row */
  makeHear(segment, row) {
    const audio = row?.assets.audio;
    if (audio?.present === false) return h("div", { class: "hear" }, h("span"), h("span", null, "the narration is not here"));
    if (!audio) return h("div", { class: "hear" }, row ? h("span") : null, row ? h("span", null, "no narration yet") : null);
    const button = h("button", { type: "button", "aria-label": `Play the narration of segment ${segment}`, onclick: () => this.hear(segment) }, icon(this.hearing === segment ? "pause" : "play"));
    return h("div", { class: "hear" }, button, drawPeaks(audio.peaks, 90), h("span", null, formatTime(audio.duration_sec)));
  }

  /** @param {number} segment @param {number} at */
  tile(segment, at) {
    const row = this.store.rows.get(segment);
    const marks = this.entriesOf(segment).flatMap((entry) => [mark(entry.status), ...entry.flags.filter((flag) => flag !== "candidates").map(mark)]);
    if (row?.text_in_conflict) marks.unshift(mark("conflict"));
    return h(
      "article",
      { class: this.selected.has(segment) ? "tile on" : "tile", "aria-label": `Segment ${segment}`, data: { segment: `${segment}` } },
      this.look(segment),
      h("div", { class: "cap" }, this.check(segment, at), h("span", { class: "marks" }, marks)),
      h("p", null, row?.shown ?? "…"),
    );
  }

  /** @param {number | null} segment */
  hear(segment) {
    const before = this.hearing;
    this.hearing = segment === before ? null : segment;
    const media = this.hearing && this.store.rows.get(this.hearing)?.assets.audio?.media;
    if (media) {
      this.player.src = media;
      this.player.play().catch(() => this.hear(null));
    } else this.player.pause();
    for (const each of new Set([before, this.hearing])) {
      const button = each ? this.items.get(each)?.querySelector(".hear button") : null;
      button?.replaceChildren(icon(each === this.hearing ? "pause" : "play"));
    }
  }

  /** @param {string[]} keys */
  update(keys) {
    if (this.known !== this.store.segments.length) this.filter();
    this.showFilters();
    if (!keys.length) this.redraw();
    for (const segment of new Set(keys.map((key) => Number(key.split("/")[0])))) {
      const old = this.items.get(segment);
      if (!old) continue;
      const at = this.shown.indexOf(segment);
      const item = this.view === "rows" ? this.line(segment, at) : this.tile(segment, at);
      setStyle(item, { top: old.style.top, left: old.style.left, width: old.style.width });
      old.replaceWith(item);
      this.items.set(segment, item);
    }
    this.showBatch();
  }

  // Batch

  /** @param {number} segment @param {number} at @param {boolean} on @param {boolean} range */
  pick(segment, at, on, range) {
    const start = range && this.anchor !== null ? this.anchor : at;
    const picked = this.shown.slice(Math.min(start, at), Math.max(start, at) + 1);
    this.anchor = at;
    const next = new Set(this.selected);
    for (const each of picked) {
      if (on) next.add(each);
      else next.delete(each);
    }
    this.select([...next]);
    if (!picked.includes(segment)) this.selected.add(segment);
  }

  /** @param {number[]} segments */
  select(segments) {
    this.selected = new Set(segments);
    for (const [segment, item] of this.items) {
      item.classList.toggle("on", this.selected.has(segment));
      const box = item.querySelector("input");
      if (box) box.checked = this.selected.has(segment);
    }
    this.showBatch();
  }

  /** @returns {Entry[]} */
  chosen() {
    const which = /** @type {HTMLSelectElement} */ (one("#which")).value || this.kind;
    return [...this.selected].flatMap((segment) => this.entriesOf(segment)).filter((entry) => !which || entry.kind === which);
  }

  showBatch() {
    const chosen = this.chosen();
    one(".batch").hidden = !this.selected.size;
    one("#many").textContent = `${count(this.selected.size, "segment")}, ${count(chosen.length, "asset")}`;
    const may = this.store.info.can.decide;
    /** @type {HTMLButtonElement} */ (one("#approve")).disabled = !may || !chosen.some((entry) => !isLocked(entry));
    /** @type {HTMLButtonElement} */ (one("#reject")).disabled = !may || !chosen.some((entry) => !isLocked(entry));
    const box = /** @type {HTMLInputElement} */ (one("#all"));
    box.checked = this.shown.length > 0 && this.selected.size === this.shown.length;
    box.indeterminate = this.selected.size > 0 && !box.checked;
  }

  /** One commit for all of them. @param {"approve" | "reject"} action @param {string} [reason] */
  async decide(action, reason) {
    const chosen = this.chosen().filter((entry) => !isLocked(entry));
    if (!chosen.length || !this.store.info.can.decide) {
      if (!this.selected.size) toasts.show("Select segments first");
      return;
    }
    try {
      for (const entry of chosen) await this.store.ensureRows(entry.segment);
    } catch (failure) {
      toasts.fail(failure);
      return;
    }
    this.select([]);
    this.decider.decide(action, chosen, reason).catch(() => undefined);
  }

  reject() {
    const chosen = this.chosen().filter((entry) => !isLocked(entry));
    if (!chosen.length) return;
    askReason(this.store, { title: `Reject ${count(chosen.length, "asset")}`, lead: "In one commit, with one reason.", word: "Reject" }, (reason) => this.decide("reject", reason));
  }
}

/** @param {Entry} entry */
function isLocked(entry) {
  return ["approved", "published"].includes(entry.status) && !entry.flags.includes("conflict");
}

/** Read "1-10,12" as numbers of segments. @param {string} text @returns {((segment: number) => boolean) | null} */
function parseRanges(text) {
  if (!/^\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*$/.test(text)) return null;
  const ranges = text.split(",").map((part) => part.split("-").map(Number));
  return (segment) => ranges.some(([start, end = start]) => segment >= start && segment <= end);
}

new RunPage();
