import { Composer } from "./compose.js";
import { Decider } from "./decide.js";
import { h, icon, kbd, one, readData, setStyle } from "./dom.js";
import { count, formatRange, formatWhen, shortHash } from "./format.js";
import { openHelp } from "./help.js";
import { Jobs, askRegenerate } from "./jobs.js";
import { bindKeys } from "./keys.js";
import { coalesce, listen } from "./live.js";
import { askName } from "./name.js";
import { Panel, numberNotes } from "./panel.js";
import { PlayThrough } from "./play.js";
import { turnTheme } from "./prefs.js";
import { askReason, readReasons } from "./reject.js";
import { Sound, rangeOn } from "./sound.js";
import { Stage } from "./stage.js";
import { settleText } from "./settle.js";
import { RunStore, keyOf, needsDecision } from "./store.js";
import { Strip } from "./strip.js";
import { toasts } from "./toasts.js";
import { openRunMenu, showProgress } from "./top.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Detail} Detail
 * @typedef {import("./types.js").Kind} Kind
 * @typedef {import("./types.js").Annotation} Annotation
 */

const AHEAD = 2;
const ACCEPTED = { audio: "audio/*", image: "image/*", video: "video/*" };

/** @type {Record<string, {word: string, wanted: (entry: Entry) => boolean}>} */
const FILTERS = {
  needs: { word: "Needs a decision", wanted: needsDecision },
  all: { word: "All", wanted: () => true },
  rejected: { word: "Rejected", wanted: (one) => one.status === "rejected" },
  stale: { word: "Stale", wanted: (one) => one.flags.includes("stale") },
};

class Review {
  constructor() {
    const data = readData();
    const store = new RunStore(data);
    this.store = store;
    this.stage = new Stage(one(".stage"));
    this.sound = new Sound(one(".sound"));
    this.strip = new Strip(one(".strip"), this.store, (segment) => this.goSegment(segment));
    this.jobs = new Jobs(this.store);
    this.decider = new Decider(
      this.store,
      (entries) => this.show(entries[0], { play: false }),
      (entry) => this.show(entry, { play: false }),
    );
    this.panel = new Panel(one("#facts"), {
      take: (at) => this.showTake(at),
      choose: () => this.choose(),
      kind: (kind) => this.goKind(kind),
      settle: (note) => this.settle(note),
      reply: (note) => this.composer.start({ region: null, time: null, replyTo: { id: note.id, author: note.author }, pictures: this.seesPicture }),
      pick: (note) => this.pick(note.id),
      text: (row) => settleText(this.decider, row),
    });
    this.composer = new Composer(this.panel.composer, (draft) => this.annotate(draft));
    /** @type {Entry | null} */
    this.entry = null;
    /** @type {Detail | null} */
    this.detail = null;
    this.at = 0;
    /** @type {number | null} The take that the address names. */
    this.wanted = null;
    this.filter = "needs";
    /** @type {Set<string>} What was decided here stays in the list, so that ← leads back to it. */
    this.kept = new Set();
    this.generation = 0;
    this.listen();
  }

  get seesPicture() {
    return this.entry?.kind !== "audio";
  }

  async start() {
    this.showTop();
    this.stage.wait();
    try {
      if (!this.store.entries.length && this.store.info.assets_total) await this.store.loadIndex();
    } catch (failure) {
      this.fail(failure);
      return;
    }
    this.strip.reset();
    this.showTop();
    const named = this.fromHash();
    const first = named ?? this.undecided(null);
    if (first) this.show(first, { play: false });
    else this.finish();
    readReasons(this.store).catch(() => undefined);
  }

  /** @param {unknown} failure */
  fail(failure) {
    const { message, hint } = /** @type {import("./api.js").ApiError} */ (failure);
    this.stage.say("missing", message, hint ?? "", h("button", { type: "button", class: "b primary", onclick: () => location.reload() }, "Try again"));
  }

  fromHash() {
    const [segment, kind, take] = location.hash.slice(1).split("/");
    if (!segment) return null;
    this.wanted = Number(take) || null;
    const found = this.store.byKey.get(`${segment}/${kind}`);
    const other = found ?? this.store.entries.find((entry) => entry.segment === Number(segment));
    if (!other && this.store.info.bare.includes(Number(segment))) this.goBare(Number(segment));
    return other ?? null;
  }

  listen() {
    const { store, sound, stage } = this;
    store.addEventListener("change", (event) => this.update(/** @type {CustomEvent} */ (event).detail.keys));
    store.addEventListener("rows", () => this.entry && !this.detail && this.render());
    sound.addEventListener("time", () => this.followSound());
    sound.addEventListener("mark", () => this.drawRanges());
    stage.addEventListener("draw", (event) => this.composer.start({ region: /** @type {CustomEvent} */ (event).detail, pictures: true, still: this.entry?.kind === "image" }));
    stage.addEventListener("pick", (event) => this.pick(/** @type {CustomEvent} */ (event).detail));
    this.composer.addEventListener("change", () => this.drawNotes());
    const refresh = coalesce(() => store.refresh().catch((failure) => toasts.fail(failure)));
    listen(store.runId, {
      head: async ({ head }) => {
        await this.decider.queue;
        if (head !== store.info.head) refresh();
      },
      job: (job) => this.jobs.take(job),
      lost: (lost) => {
        one("#offline").hidden = !lost;
      },
    });
    this.jobs.addEventListener("change", () => showProgress(this.jobs));
    addEventListener("hashchange", () => {
      const found = this.fromHash();
      if (found && (found !== this.entry || this.wanted)) this.show(found);
    });
    this.bind();
  }

  bind() {
    /** @type {[string, () => void][]} */
    const buttons = [
      ["#approve", () => this.approve()],
      ["#reject", () => this.reject()],
      ["#note", () => this.note()],
      ["#regenerate", () => this.regenerate()],
      ["#replace", () => this.pickFile()],
      ["#more", () => this.more()],
      ["#in", () => this.sound.mark(0)],
      ["#out", () => this.sound.mark(1)],
      ["#theme", () => turnTheme()],
      ["#help", () => openHelp(this.keys)],
      ["#play-through", () => this.playThrough()],
      ["#build", () => this.build()],
      ["#menu", () => openRunMenu(this.jobs, one("#menu"))],
    ];
    for (const [selector, run] of buttons) document.querySelector(selector)?.addEventListener("click", run);
    for (const chip of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-filter]"))) {
      chip.addEventListener("click", () => this.setFilter(chip.dataset.filter ?? "all"));
    }
    bindKeys(this.keys);
    takeDrops(this.stage.root, (file) => this.replace(file));
  }

  /** @type {import("./keys.js").Binding[]} */
  keys = [
    { keys: "A", what: "Approve", run: () => this.approve() },
    { keys: "R", what: "Reject, or reopen what is locked", run: () => this.reject() },
    { keys: "N", what: "Note", run: () => this.note() },
    { keys: "U Ctrl+Z", what: "Undo", run: () => this.decider.undo() },
    { keys: "ArrowLeft", what: "Previous asset", run: () => this.move(-1), repeats: true },
    { keys: "ArrowRight", what: "Next asset", run: () => this.move(1), repeats: true },
    { keys: "G", what: "First undecided", run: () => this.goFirst() },
    { keys: "1-9", what: "Look at a take", run: (event) => this.showTake(Number(event.key) - 1) },
    { keys: "ArrowUp", what: "Previous take", run: () => this.showTake(this.at - 1) },
    { keys: "ArrowDown", what: "Next take", run: () => this.showTake(this.at + 1) },
    { keys: "W", what: "Wipe between two takes", run: () => this.stage.turn("wipe") },
    { keys: "S", what: "Two takes side by side", run: () => this.stage.turn("side") },
    { keys: "D", what: "Difference of two takes", run: () => this.stage.turn("difference") },
    { keys: "C", what: "Make the take shown the current one", run: () => this.choose() },
    { keys: "Space", what: "Play, pause", run: () => this.sound.toggle() },
    { keys: "J", what: "Play backwards without sound, faster each time", run: () => this.sound.shuttle({ backwards: true }) },
    { keys: "K", what: "Stop", run: () => this.sound.pause() },
    { keys: "L", what: "Play forwards, faster each time", run: () => this.sound.shuttle({ backwards: false }) },
    { keys: "Shift+ArrowLeft", what: "One frame back", run: () => this.frame(-1), repeats: true },
    { keys: "Shift+ArrowRight", what: "One frame on", run: () => this.frame(1), repeats: true },
    { keys: "I", what: "Range begins here", run: () => this.sound.mark(0) },
    { keys: "O", what: "Range ends here", run: () => this.sound.mark(1) },
    { keys: "P", what: "Play through", run: () => this.playThrough() },
    { keys: "/", what: "Find a segment by its words", run: () => this.find() },
    { keys: "?", what: "This help", run: () => openHelp(this.keys) },
    { keys: "Escape", what: "", run: () => this.escape() },
  ];

  // Where one is

  /** @param {Entry} entry */
  listed(entry) {
    return FILTERS[this.filter].wanted(entry) || this.kept.has(keyOf(entry)) || entry === this.entry;
  }

  /** The next listed asset from the current one in a direction. @param {1 | -1} step */
  neighbour(step, from = this.entry) {
    const { entries } = this.store;
    for (let at = (from ? entries.indexOf(from) : -1) + step; at >= 0 && at < entries.length; at += step) if (this.listed(entries[at])) return entries[at];
    return null;
  }

  /** The next undecided asset after this one, from the beginning if there is none. @param {Entry | null} from */
  undecided(from) {
    const { entries } = this.store;
    const start = from ? entries.indexOf(from) + 1 : 0;
    const wanted = (/** @type {Entry} */ entry) => needsDecision(entry) && (this.filter === "all" || this.filter === "needs" || FILTERS[this.filter].wanted(entry));
    return entries.slice(start).find(wanted) ?? entries.slice(0, start).find(wanted) ?? null;
  }

  /** @param {1 | -1} step */
  move(step) {
    const next = this.neighbour(step);
    if (next) this.show(next);
    else toasts.show(step > 0 ? "This is the last one in this list" : "This is the first one in this list");
  }

  goFirst() {
    const first = this.undecided(null);
    if (first) this.show(first);
    else this.finish();
  }

  /** @param {number} segment */
  goSegment(segment) {
    const own = this.store.entries.filter((entry) => entry.segment === segment);
    const found = own.find((entry) => needsDecision(entry)) ?? own.find((entry) => entry.kind !== "audio") ?? own[0];
    if (found) this.show(found);
    else this.goBare(segment);
  }

  /** @param {number} segment */
  async goText(segment) {
    const narration = this.store.entries.find((entry) => entry.segment === segment);
    if (narration) this.show(narration, { play: false });
    await this.goBare(segment);
  }

  /** Of a segment without assets only its text can be in dispute. @param {number} segment */
  async goBare(segment) {
    await this.store.ensureRows(segment).catch((failure) => toasts.fail(failure));
    const row = this.store.rows.get(segment);
    if (row?.text_in_conflict) settleText(this.decider, row);
    else toasts.show(`Segment ${segment} has no assets yet`);
  }

  /** @param {Kind} kind */
  goKind(kind) {
    const found = this.entry && this.store.byKey.get(`${this.entry.segment}/${kind}`);
    if (found) this.show(found);
  }

  /** @param {string} name */
  setFilter(name) {
    this.filter = name;
    this.kept.clear();
    this.strip.filter(FILTERS[name].wanted);
    this.showTop();
    const first = !this.finished && this.entry && FILTERS[name].wanted(this.entry) ? null : this.store.entries.find(FILTERS[name].wanted);
    if (first) this.show(first);
  }

  /** @param {Entry} entry @param {{play?: boolean}} [how] */
  show(entry, { play = true } = {}) {
    const generation = (this.generation += 1);
    const other = entry !== this.entry;
    this.finished = false;
    if (other && this.composer.open) this.composer.close();
    this.entry = entry;
    this.detail = this.store.ready.get(keyOf(entry)) ?? null;
    this.at = this.currentAt();
    if (other) this.stage.warn(null);
    if (location.hash !== `#${keyOf(entry)}`) history.replaceState(null, "", `#${keyOf(entry)}`);
    this.render(play);
    this.strip.go(entry);
    this.readRest(entry, generation, play);
  }

  /** @param {Entry} entry @param {number} generation @param {boolean} play */
  async readRest(entry, generation, play) {
    try {
      const narration = entry.kind === "audio" ? undefined : this.store.byKey.get(`${entry.segment}/audio`);
      const heard = narration && this.store.ready.get(keyOf(narration));
      const [detail] = await Promise.all([this.store.detail(entry), narration && this.store.detail(narration).catch(() => undefined)]);
      if (generation !== this.generation) return;
      const looked = this.detail?.takes[this.at];
      if (detail !== this.detail || (narration && this.store.ready.get(keyOf(narration)) !== heard)) {
        this.detail = detail;
        this.at = this.currentAt();
        if (looked && !looked.current) this.at = Math.max(this.at, detail.takes.findIndex((take) => take.md5 === looked.md5));
        this.render(play);
      }
      this.showWanted();
      this.lookAhead(entry);
    } catch (failure) {
      if (generation === this.generation) this.fail(failure);
    }
  }

  showWanted() {
    const at = this.wanted === null ? -1 : (this.detail?.takes.findIndex((one) => one.take === this.wanted) ?? -1);
    this.wanted = null;
    this.showTake(at);
  }

  /** Decode what comes next. @param {Entry} entry */
  async lookAhead(entry) {
    /** @type {Entry | null} */
    let next = entry;
    for (let ahead = 0; ahead < AHEAD && next; ahead += 1) {
      next = this.filter === "needs" ? this.undecided(next) : this.neighbour(1, next);
      if (!next || next === entry) return;
      await this.store.ensureRows(next.segment).catch(() => undefined);
      const detail = await this.store.detail(next).catch(() => null);
      const take = detail?.takes.find((one) => one.current);
      if (take?.media && take.present !== false && next.kind !== "audio") this.stage.decoded.prepare({ media: take.media, kind: next.kind });
      const narration = this.store.rows.get(next.segment)?.assets.audio;
      if (narration?.present !== false) this.sound.prepare(narration?.media ?? null);
    }
  }

  currentAt() {
    return Math.max(0, this.detail?.takes.findIndex((one) => one.current) ?? 0);
  }

  /** Number the notes: those on the asset, and with a picture those on its narration. @param {string} md5 */
  number(md5) {
    const { entry, detail } = this;
    const narration = entry && entry.kind !== "audio" ? this.store.ready.get(`${entry.segment}/audio`) : undefined;
    return numberNotes(detail?.annotations ?? [], md5, narration?.annotations, narration?.md5);
  }

  // What is seen

  render(play = false) {
    const { entry, detail } = this;
    if (!entry) return;
    const row = this.store.rows.get(entry.segment);
    const siblings = this.store.entries.filter((one) => one.segment === entry.segment);
    const take = detail?.takes[this.at];
    this.numbered = this.number(take?.md5 ?? entry.md5);
    this.panel.render({ entry, asset: this.store.asset(entry), detail, row, siblings, at: this.at, numbered: this.numbered, runId: this.store.runId });
    this.showStage(row);
    this.showSound(row, play);
    this.showDecisions();
    this.drawNotes();
    document.title = `${entry.kind} ${entry.segment}, ${this.store.runId}`;
  }

  /** @param {import("./types.js").Row | undefined} row */
  showStage(row) {
    if (this.finished) return;
    const entry = /** @type {Entry} */ (this.entry);
    const asset = this.detail?.takes[this.at] ?? this.store.asset(entry);
    if (asset?.present === false) return this.showMissing(entry, asset.md5);
    if (entry.kind === "audio") {
      const words = this.detail?.takes[this.at]?.words;
      return this.stage.speak(row?.shown ?? "", words);
    }
    if (!asset) return this.stage.wait();
    const other = this.otherTake();
    this.stage.show(this.describe(asset, entry), other && other.media ? this.describe(other, entry) : null);
  }

  /** @param {Entry} entry @param {string} md5 */
  showMissing(entry, md5) {
    const what = { audio: "narration", image: "picture", video: "clip" }[entry.kind];
    const fetch = h("button", { type: "button", class: "b primary", id: "fetch", onclick: () => this.jobs.fetch(entry, md5) }, icon("pull"), "Fetch it");
    const text = "Only its hash is known on this computer. Nothing is decided about what nobody can see or hear.";
    this.stage.show(null, null);
    this.stage.say("missing", `This ${what} is not here`, text, ...(this.store.info.can.decide ? [fetch] : []));
  }

  /** The take to compare with: the current one, or the one before if the current is looked at. */
  otherTake() {
    const takes = this.detail?.takes ?? [];
    const current = takes.find((one) => one.current);
    const shown = takes[this.at];
    if (takes.length < 2 || !shown) return null;
    return shown === current ? (takes[this.at - 1] ?? takes[this.at + 1]) : current;
  }

  /** @param {{media: string | null, md5: string, take: number}} take @param {Entry} entry @returns {import("./stage.js").Shown} */
  describe(take, entry) {
    const kind = entry.kind === "video" ? "video" : "image";
    const what = kind === "video" ? "clip" : "image";
    return { media: take.media ?? "", md5: take.md5, kind, label: `take ${take.take}`, alt: `The ${what} of segment ${entry.segment}, take ${take.take}` };
  }

  /** @param {import("./types.js").Row | undefined} row @param {boolean} play */
  showSound(row, play) {
    const entry = /** @type {Entry} */ (this.entry);
    const narration = row?.assets.audio;
    const own = entry.kind === "audio" ? (this.detail?.takes ?? []).filter((one) => one.media && one.present !== false) : [];
    const shown = this.detail?.takes[this.at];
    if (own.length && shown && own.includes(shown)) this.sound.load(/** @type {any} */ (own), own.indexOf(shown), { play });
    else this.sound.load(this.listHeard(entry, narration ?? null, shown), 0, { play: play && (this.detail !== null || entry.kind !== "audio") });
    this.words = null;
    this.showNoSound(narration ?? null);
    this.showSaid(entry.kind === "audio" && own.length ? "" : (row?.shown ?? ""));
  }

  /** @param {import("./types.js").Asset | null} narration */
  showNoSound(narration) {
    const lacks = narration?.present === false;
    const fetch = lacks && this.store.info.can.decide && h("button", { type: "button", class: "b s", onclick: () => this.jobs.fetch(narration) }, icon("pull"), "Fetch it");
    one(".nothing", this.sound.root).replaceChildren(...(lacks ? [h("span", null, "The narration is not here"), fetch || ""] : ["No narration yet"]));
  }

  /** The narration, and where there is none the clip itself, so that it can be played. @param {Entry} entry @param {import("./types.js").Asset | null} narration @param {import("./types.js").Take | undefined} shown @returns {import("./sound.js").Voice[]} */
  listHeard(entry, narration, shown) {
    const known = narration && this.store.ready.get(keyOf(narration))?.takes.find((one) => one.md5 === narration.md5);
    if (narration?.media && narration.present !== false) return [/** @type {any} */ ({ ...narration, words: known?.words })];
    const clip = entry.kind === "video" ? (shown ?? this.store.asset(entry)) : null;
    return clip?.media && clip.present !== false ? [/** @type {any} */ (clip)] : [];
  }

  /** @param {string} text */
  showSaid(text) {
    const said = one(".said", this.sound.root);
    const words = this.sound.voices[this.sound.at]?.words;
    said.replaceChildren(...(words?.length ? words.flatMap(([word]) => [h("span", null, word), " "]) : [text]));
    this.words = words?.length ? words : null;
  }

  followSound() {
    this.stage.follow(this.sound);
    if (!this.words) return;
    const { time } = this.sound;
    const light = (/** @type {NodeListOf<Element>} */ spans) =>
      spans.forEach((span, at) => {
        const [, start, end] = /** @type {[string, number, number][]} */ (this.words)[at] ?? ["", 0, 0];
        span.classList.toggle("now", time >= start && time < end);
        span.classList.toggle("past", time >= end);
      });
    light(this.sound.root.querySelectorAll(".said span"));
    light(this.stage.spoken.querySelectorAll(".w"));
  }

  showDecisions() {
    const entry = /** @type {Entry} */ (this.entry);
    const take = this.detail?.takes[this.at];
    const elsewhere = take && !take.current;
    const locked = ["approved", "published"].includes(entry.status);
    const may = this.store.info.can.decide || !!this.store.info.can.needs_name;
    const absent = (take ?? this.store.asset(entry))?.present === false;
    const what = entry.kind === "audio" ? "this narration and its text" : "exactly these bytes";
    one("#locks").textContent = !may
      ? "This server only shows. Nobody can decide here."
      : absent
        ? "Fetch it first: nothing is decided about what nobody can see or hear."
        : elsewhere
          ? `You look at take ${take.take}. Approving chooses it first.`
          : locked
            ? `Locked: ${shortHash(entry.md5)} cannot be overwritten until it is reopened.`
            : `Approving locks ${what} (${shortHash(entry.md5)}) against every overwrite.`;
    const approve = /** @type {HTMLButtonElement} */ (one("#approve"));
    const reject = /** @type {HTMLButtonElement} */ (one("#reject"));
    approve.disabled = !may || absent || (locked && !elsewhere);
    one("span", approve).textContent = locked ? "Approved" : "Approve";
    reject.disabled = !may || absent || !!elsewhere;
    one("span", reject).textContent = locked ? "Reopen" : "Reject";
    reject.classList.toggle("no", !locked);
    /** @type {HTMLButtonElement} */ (one("#regenerate")).disabled = !may || locked;
    /** @type {HTMLButtonElement} */ (one("#replace")).disabled = !may || locked;
    /** @type {HTMLButtonElement} */ (one("#note")).disabled = !may;
  }

  drawNotes() {
    const shown = (this.numbered ?? []).filter(({ note }) => note.state === "open");
    const regions = shown.filter(({ note }) => note.region && this.seesPicture);
    this.stage.noting = this.composer.open;
    this.stage.root.classList.toggle("noting", this.composer.open);
    this.stage.markRegions(
      regions.map(({ note, label, old }) => ({ id: note.id, region: /** @type {[number, number, number, number]} */ (note.region), label, old })),
      this.composer.open ? this.composer.region : null,
    );
    this.drawRanges();
  }

  drawRanges() {
    const place = one(".ranges", this.sound.root);
    const { duration, marked } = this.sound;
    const made = [];
    for (const { note, label, old } of this.numbered ?? []) {
      if (!note.time || note.state !== "open" || !duration) continue;
      const pin = h("button", { type: "button", class: old ? "pin old" : "pin", "aria-label": `Note ${label}, ${formatRange(note.time)}`, onclick: () => this.pick(note.id) }, label);
      setStyle(pin, { left: `${(100 * note.time[0]) / duration}%` });
      made.push(rangeOn(old ? "old" : "", note.time, duration), pin);
    }
    const [start, end] = marked;
    if (duration && (start !== null || end !== null)) made.push(rangeOn("io", [start ?? 0, end ?? (start === null ? duration : start)], duration));
    place.replaceChildren(...made);
  }

  /** @param {string} id */
  pick(id) {
    const found = this.numbered?.find(({ note }) => note.id === id);
    if (!found) return;
    if (found.note.time) this.sound.seek(found.note.time[0]);
    if (found.old) {
      const at = this.detail?.takes.findIndex((take) => take.md5 === found.note.md5) ?? -1;
      if (at >= 0) this.showTake(at);
    }
    for (const item of document.querySelectorAll(".note.on")) item.classList.remove("on");
    const item = document.querySelector(`[data-note="${CSS.escape(id)}"]`);
    item?.classList.add("on");
    item?.scrollIntoView({ block: "nearest" });
  }

  showTop() {
    const { decided, total, counts } = this.store.count();
    one("#decided").textContent = `${decided} of ${total} decided`;
    one("#bar-approved").setAttribute("width", `${(100 * ((counts.approved ?? 0) + (counts.published ?? 0))) / Math.max(1, total)}`);
    one("#bar-rejected").setAttribute("x", `${(100 * ((counts.approved ?? 0) + (counts.published ?? 0))) / Math.max(1, total)}`);
    one("#bar-rejected").setAttribute("width", `${(100 * (counts.rejected ?? 0)) / Math.max(1, total)}`);
    for (const chip of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-filter]"))) {
      const name = chip.dataset.filter ?? "all";
      const many = name === "needs" ? total - decided : name === "all" ? total : (counts[name] ?? 0);
      chip.setAttribute("aria-pressed", `${name === this.filter}`);
      chip.textContent = name === "all" ? "All" : `${FILTERS[name].word} ${many}`;
      chip.hidden = !many && name !== "all" && name !== "needs" && name !== this.filter;
    }
    const gaps = this.store.info.build.gaps_total;
    one("#build span").textContent = gaps ? `Build: ${count(gaps, "gap")}` : "Build";
  }

  /** Something changed, here or elsewhere. @param {string[]} keys */
  update(keys) {
    this.showTop();
    this.strip.update(keys);
    const { entry } = this;
    if (this.finished) {
      const news = this.undecided(null);
      if (news) this.show(news, { play: false });
      else this.finish();
      return;
    }
    if (!entry || !keys.some((key) => Number(key.split("/")[0]) === entry.segment)) return;
    const before = this.detail?.md5;
    if (before && !entry.md5.startsWith(before) && !before.startsWith(entry.md5)) this.stage.warn("Changed elsewhere: this is the new take.", h("button", { type: "button", class: "b", onclick: () => this.stage.warn(null) }, "OK"));
    if (this.stage.state.hidden) this.render();
    this.readRest(entry, this.generation, false);
  }

  // Decisions

  /** The bytes that were on screen, and no others, are what a decision is about. */
  approve() {
    const { entry, detail } = this;
    if (!this.mayDecide() || !entry) return;
    const take = detail?.takes[this.at];
    if (take && !take.current) {
      this.choose().then((chosen) => chosen && this.approve());
      return;
    }
    // While an answer is awaited, such as that of an undo, what is known here may be older than what was done.
    const locked = ["approved", "published"].includes(entry.status) && !this.decider.waiting;
    if (locked && !entry.flags.includes("conflict")) {
      this.advance(entry);
      return;
    }
    this.decide("approve", entry);
  }

  reject() {
    const { entry } = this;
    if (!this.mayDecide() || !entry) return;
    const locked = ["approved", "published"].includes(entry.status);
    if (locked) {
      askReason(this.store, { title: `Reopen ${entry.kind} ${entry.segment}`, lead: "It goes back to review and can be replaced again.", word: "Reopen", required: true }, (reason) => this.decide("reopen", entry, reason, false));
      return;
    }
    askReason(this.store, { title: `Reject ${entry.kind} ${entry.segment}`, lead: "The reason, the marked places and open notes are the order for the next take.", word: "Reject" }, (reason) => this.decide("reject", entry, reason));
  }

  mayDecide() {
    if (!this.stage.state.hidden) {
      if (this.stage.root.querySelector("#fetch")) toasts.show("Fetch it first: nothing is decided about what nobody can see or hear.");
      return false;
    }
    if (this.store.info.can.decide) return true;
    if (this.store.info.can.needs_name) {
      askName(this.store, () => this.showDecisions());
      return false;
    }
    toasts.show("This server only shows", { hint: "Start it without --read-only to decide.", bad: true });
    return false;
  }

  /** @param {import("./types.js").Action} action @param {Entry} entry @param {string} [reason] */
  decide(action, entry, reason, goes_on = true) {
    this.kept.add(keyOf(entry));
    this.decider.decide(action, [entry], reason).catch(() => undefined);
    if (goes_on) this.advance(entry);
  }

  /** @param {Entry} entry */
  advance(entry) {
    const next = this.undecided(entry);
    if (next) this.show(next);
    else this.finish();
  }

  get finished() {
    return document.body.classList.contains("finished");
  }

  set finished(is) {
    document.body.classList.toggle("finished", is);
  }

  /** Everything is decided: say what comes next. */
  finish() {
    const { decided, total, counts } = this.store.count();
    const gaps = this.store.info.build.gaps_total;
    this.sound.pause();
    if (!total) {
      this.stage.say("draft", "This run has no assets yet", `Make them with \`gitassets produce --resume ${this.store.runId}\`. They appear here by themselves.`);
      one("#facts").replaceChildren(h("h1", { id: "asset-title", tabindex: "-1" }, `Review ${this.store.runId}`), h("p", { class: "muted" }, `${count(this.store.segments.length, "segment")}, and nothing to decide yet.`));
      for (const button of document.querySelectorAll(".do button:not(#more)")) button.toggleAttribute("disabled", true);
      return;
    }
    const rejected = counts.rejected ?? 0;
    const left = rejected ? `${count(rejected, "rejected asset")} ${rejected === 1 ? "waits" : "wait"} for a new take.` : gaps ? `The build still lacks ${count(gaps, "asset")}.` : "Everything is approved: the video can be built.";
    const look = h("button", { type: "button", class: "b", onclick: () => this.playThrough() }, icon("play"), "Play through", kbd("P"));
    const [text] = this.store.info.disputed;
    if (text) {
      const settle = h("button", { type: "button", class: "b primary", onclick: () => this.goText(text) }, "Settle the first");
      this.stage.say("conflict", `${count(this.store.info.disputed.length, "text")} in conflict`, "Every asset is decided. Two branches changed the same text, and the merge waits for one of the two.", h("div", { class: "chiprow" }, settle, look));
      this.finished = true;
      if (!this.entry) this.panelEmpty();
      return;
    }
    const next = rejected
      ? h("button", { type: "button", class: "b primary", onclick: () => this.setFilter("rejected") }, "Go through the rejected ones")
      : h("button", { type: "button", class: "b primary", onclick: () => this.build() }, icon("build"), "Build the video");
    this.stage.say("approved", decided === total ? `All ${total} decided` : "Nothing left in this list", left, h("div", { class: "chiprow" }, next, look));
    this.finished = true;
    if (!this.entry) this.panelEmpty();
  }

  panelEmpty() {
    const entry = this.store.entries.at(-1);
    if (!entry) return;
    this.entry = entry;
    this.detail = null;
    this.strip.go(entry);
    this.store.detail(entry).then((detail) => {
      this.detail = detail;
      const row = this.store.rows.get(entry.segment);
      this.numbered = this.number(entry.md5);
      this.panel.render({ entry, asset: this.store.asset(entry), detail, row, siblings: this.store.entries.filter((one) => one.segment === entry.segment), at: 0, numbered: this.numbered, runId: this.store.runId });
      this.showDecisions();
    }, () => undefined);
  }

  // Takes

  /** @param {number} at */
  showTake(at) {
    const takes = this.detail?.takes ?? [];
    if (at < 0 || at >= takes.length || at === this.at) return;
    this.at = at;
    this.render(false);
  }

  async choose() {
    const { entry } = this;
    const take = this.detail?.takes[this.at];
    if (!entry || !take || take.current || !this.store.info.can.decide) return false;
    try {
      this.detail = null;
      await this.decider.send("/choose", { segment: entry.segment, kind: entry.kind, take: take.take, md5: take.md5 });
      this.detail = await this.store.detail(entry);
      this.at = this.currentAt();
      this.render();
      toasts.show(`Take ${take.take} is now the current ${entry.kind} of segment ${entry.segment}`, { mark: "candidates" });
      return true;
    } catch (failure) {
      toasts.fail(failure);
      this.show(entry, { play: false });
      return false;
    }
  }

  // Notes

  note() {
    if (!this.entry || !this.store.info.can.decide) return;
    const [start, end] = this.sound.marked;
    const time = /** @type {[number, number] | null} */ (start === null && end === null ? null : [start ?? 0, end ?? start ?? this.sound.duration]);
    this.openSheet();
    this.composer.start({ time, replyTo: null, pictures: this.seesPicture, still: this.entry.kind === "image" });
  }

  /** @param {import("./compose.js").Draft} draft */
  async annotate(draft) {
    const entry = /** @type {Entry} */ (this.entry);
    const md5 = this.detail?.takes[this.at]?.md5 ?? entry.md5;
    try {
      const { reply_to } = draft;
      const order = { ...this.aim(entry, md5, draft), ...draft };
      await this.decider.send("/annotations", order);
      this.sound.clearMarks();
      toasts.show(reply_to ? "Replied" : `Noted on ${order.kind} ${order.segment}`, { mark: "noted" });
    } catch (failure) {
      toasts.fail(failure);
      throw failure;
    }
  }

  /** A range that is marked while a picture is looked at is one of its narration. @param {Entry} entry @param {string} md5 @param {import("./compose.js").Draft} draft */
  aim(entry, md5, draft) {
    const narration = this.store.rows.get(entry.segment)?.assets.audio;
    if (entry.kind === "image" && draft.time && !draft.region && narration) return { segment: entry.segment, kind: "audio", md5: narration.md5 };
    return { segment: entry.segment, kind: entry.kind, md5 };
  }

  /** @param {Annotation} note */
  async settle(note) {
    const state = note.state === "open" ? "settled" : "open";
    note.state = state;
    this.render();
    try {
      await this.decider.send(`/annotations/${encodeURIComponent(note.id)}`, { state });
    } catch (failure) {
      note.state = state === "open" ? "settled" : "open";
      this.render();
      toasts.fail(failure);
    }
  }

  // The rest

  regenerate() {
    const { entry, detail } = this;
    if (!entry || ["approved", "published"].includes(entry.status)) return;
    const facts = detail ?? this.store.asset(entry);
    const notes = (detail?.annotations ?? []).filter((one) => one.state === "open").length;
    const wanted = entry.kind === "image" ? this.store.rows.get(entry.segment)?.wanted_prompt : null;
    askRegenerate(this.jobs, entry, { prompt: wanted ?? facts?.prompt, voice: facts?.voice, source: facts?.source, reason: facts?.reason, notes });
  }

  pickFile() {
    const input = h("input", { type: "file", accept: ACCEPTED[this.entry?.kind ?? "image"] });
    input.addEventListener("change", () => input.files?.[0] && this.replace(input.files[0]));
    input.click();
  }

  /** @param {File} file */
  replace(file) {
    if (this.entry && this.mayDecide()) this.decider.replace(this.entry, file);
  }

  /** @param {number} steps */
  frame(steps) {
    const rate = this.detail?.frame_rate ?? undefined;
    this.sound.step(steps, rate);
    this.stage.stepFrames(steps, rate);
  }

  playThrough() {
    this.sound.pause();
    new PlayThrough(this.store, (segment) => segment !== this.entry?.segment && this.goSegment(segment)).open(this.entry?.segment ?? 1);
  }

  build() {
    openRunMenu.build(this.jobs);
  }

  find() {
    openRunMenu.find(this.store, (segment) => this.goSegment(segment));
  }

  more() {
    openRunMenu.more([
      ["Note", () => this.note()],
      ["Regenerate…", () => this.regenerate()],
      ["Replace by a file…", () => this.pickFile()],
      ["Undo the last decision", () => this.decider.undo()],
      ["Play through", () => this.playThrough()],
      ["Build…", () => this.build()],
    ]);
  }

  openSheet() {
    one("#composer").scrollIntoView({ block: "nearest" });
  }

  escape() {
    if (this.stage.mode !== "flip") this.stage.setMode("flip");
    else if (this.sound.marked.some((one) => one !== null)) this.sound.clearMarks();
  }
}

/** Take a file that is dropped. @param {HTMLElement} place @param {(file: File) => void} onfile */
function takeDrops(place, onfile) {
  const light = (/** @type {boolean} */ on) => place.classList.toggle("dropping", on);
  const holdsFile = (/** @type {DragEvent} */ event) => !!event.dataTransfer?.types.includes("Files");
  // A file that is dropped beside the place would replace the page.
  addEventListener("dragover", (event) => holdsFile(event) && event.preventDefault());
  addEventListener("drop", (event) => holdsFile(event) && event.preventDefault());
  place.addEventListener("dragenter", (event) => holdsFile(event) && light(true));
  place.addEventListener("dragleave", (event) => place.contains(/** @type {Node | null} */ (event.relatedTarget)) || light(false));
  place.addEventListener("drop", (event) => {
    light(false);
    const file = event.dataTransfer?.files[0];
    if (file) onfile(file);
  });
}

const review = new Review();
review.start();
