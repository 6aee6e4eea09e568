import { h, icon, kbd, mark, status } from "./dom.js";
import { formatCost, formatRange, formatSize, formatTime, formatWhen, shortHash } from "./format.js";
import { drawPeaks } from "./peaks.js";
import { KINDS, keyOf, sameBytes } from "./store.js";

/**
 * @typedef {import("./types.js").Detail} Detail
 * @typedef {import("./types.js").Asset} Asset
 * @typedef {import("./types.js").Take} Take
 * @typedef {import("./types.js").Annotation} Annotation
 * @typedef {import("./types.js").Entry} Entry
 *
 * @typedef {object} Numbered A note with the number that stands on picture, waveform and list.
 * @property {string} label
 * @property {Annotation} note
 * @property {boolean} old It was made on other bytes than are shown.
 * @property {boolean} [elsewhere] It is on the narration, and the picture is looked at.
 */

/**
 * Number the open notes in the order of the list; settled ones have no number.
 *
 * @param {Annotation[]} notes
 * @param {string} md5 The bytes that are shown.
 * @param {Annotation[]} [heard] Notes on the narration that is heard with a picture.
 * @param {string} [heardMd5]
 * @returns {Numbered[]}
 */
export function numberNotes(notes, md5, heard = [], heardMd5 = "") {
  let last = 0;
  const number = (/** @type {Annotation} */ note) => (note.state === "open" ? `${(last += 1)}` : "");
  const own = notes.map((note) => ({ note, old: !sameBytes(note.md5, md5), label: number(note) }));
  return [...own, ...heard.map((note) => ({ note, old: !sameBytes(note.md5, heardMd5), label: number(note), elsewhere: true }))];
}

/** What is known of the asset, in the order of the question "can I approve this?". */
export class Panel {
  /**
   * @param {HTMLElement} root
   * @param {{take: (at: number) => void, choose: () => void, kind: (kind: import("./types.js").Kind) => void, settle: (note: Annotation) => void,
   *   reply: (note: Annotation) => void, pick: (note: Annotation) => void, text: (row: import("./types.js").Row) => void}} on
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.composer = h("div", { id: "composer" });
  }

  /**
   * @param {{entry: Entry, asset: Asset | null, detail: Detail | null, row: import("./types.js").Row | undefined,
   *   siblings: Entry[], at: number, numbered: Numbered[], runId: string}} view
   */
  render(view) {
    const { entry, asset, detail, row } = view;
    const facts = detail ?? asset;
    const take = detail?.takes[view.at];
    this.root.replaceChildren(
      this.kinds(view),
      h("h1", { id: "asset-title", tabindex: "-1" }, `Segment ${entry.segment}, ${entry.kind}`),
      this.meta(entry, facts, take, detail),
      ...this.flags(facts, entry),
      ...this.approval(entry, view.runId),
      ...section("Narration", h("p", { class: "text serif", id: "narration" }, row?.shown ?? "…"), this.dispute(row)),
      ...section("Segment note", row?.notes && h("p", null, row.notes)),
      ...section(entry.kind === "audio" ? "Voice" : "Prompt", prompt(take?.prompt ?? facts?.prompt, entry, facts)),
      ...section("Prompt of the next take", entry.kind === "image" && row?.wanted_prompt && h("p", { id: "wanted-prompt" }, row.wanted_prompt)),
      ...this.takes(view),
      ...this.notes(view),
      ...section("The build still lacks", gaps(detail?.gaps ?? [])),
    );
  }

  /** @param {{entry: Entry, siblings: Entry[]}} view */
  kinds({ entry, siblings }) {
    const buttons = KINDS.map((kind) => {
      const found = siblings.find((one) => one.kind === kind);
      const label = { audio: "Narration", image: "Picture", video: "Clip" }[kind];
      const attributes = { type: "button", "aria-pressed": `${kind === entry.kind}`, disabled: !found, onclick: () => this.on.kind(kind) };
      return found || kind !== "video" ? h("button", attributes, found ? mark(found.status) : null, label) : null;
    });
    return h("div", { class: "kinds", role: "group", "aria-label": "What of this segment" }, buttons);
  }

  /** @param {Entry} entry @param {Asset | Detail | null} facts @param {Take | undefined} take @param {Detail | null} detail */
  meta(entry, facts, take, detail) {
    const shown = take ?? facts;
    const many = detail?.takes.length ?? 1;
    const current = !take || take.current;
    const price = formatCost(shown?.cost_usd);
    return h(
      "p",
      { class: "meta" },
      current ? status(entry.status) : status(take.candidate ? "candidates" : "draft", take.candidate ? "candidate" : "earlier take"),
      shown && h("span", null, `take ${shown.take}${many > 1 ? ` of ${Math.max(many, ...(detail?.takes.map((one) => one.take) ?? []))}` : ""}`),
      h("code", { title: shown?.md5 ?? entry.md5, "aria-label": "Hash of the bytes" }, shortHash(shown?.md5 ?? entry.md5)),
      h("span", null, [price, shown?.source].filter(Boolean).join(", ")),
      facts && current && h("span", null, formatSize(facts.size_bytes)),
      shown?.duration_sec ? h("span", null, formatTime(shown.duration_sec)) : null,
    );
  }

  /** @param {Asset | Detail | null} facts @param {Entry} entry */
  flags(facts, entry) {
    /** @type {[string, string | false | null | undefined][]} */
    const flags = [
      ["rejected", entry.status === "rejected" && (facts?.reason ? `Rejected: ${facts.reason}` : "Rejected without a reason")],
      ["conflict", facts?.conflict?.length ? `Two branches disagree: ${facts.conflict.join("; ")}` : null],
      ["altered", facts?.altered && "The file was changed by another program. These are not the recorded bytes."],
      ["stale", facts?.stale && `Stale: ${facts.stale}`],
      ["missing", facts?.present === false && "Its file is not on this computer."],
    ];
    const shown = flags.filter(([, text]) => text);
    return shown.length ? [h("div", { class: "flags" }, shown.map(([name, text]) => h("div", { class: "flag" }, mark(name), h("span", null, text))))] : [];
  }

  /** @param {import("./types.js").Row | undefined} row */
  dispute(row) {
    if (!row?.text_in_conflict) return null;
    const settle = h("button", { type: "button", class: "b s", id: "settle-text", onclick: () => this.on.text(row) }, "Settle…");
    return h("div", { class: "flag dispute" }, mark("conflict"), h("span", null, "Two branches changed this text."), settle);
  }

  /** @param {Entry} entry @param {string} runId */
  approval(entry, runId) {
    if (!["approved", "published"].includes(entry.status)) return [];
    return [h("a", { id: "blame", href: `/runs/${encodeURIComponent(runId)}/blame/${keyOf(entry)}` }, "Who approved this?")];
  }

  /** @param {{entry: Entry, detail: Detail | null, at: number}} view */
  takes({ entry, detail, at }) {
    if (!detail || detail.takes.length < 2) return [];
    const buttons = detail.takes.map((take, here) => this.take(take, here, here === at, entry));
    const shown = detail.takes[at];
    const locked = ["approved", "published"].includes(entry.status);
    const choose = shown && !shown.current && h("button", { type: "button", class: "b choose", id: "choose", disabled: locked, onclick: () => this.on.choose() }, icon("candidates"), locked ? "Reopen first to choose another take" : `Make take ${shown.take} the current one`);
    return [...section("Takes", h("div", { class: "takes", role: "group", "aria-label": "Takes" }, buttons), choose)];
  }

  /** @param {Take} take @param {number} here @param {boolean} shown @param {Entry} entry */
  take(take, here, shown, entry) {
    const word = take.current ? "current" : take.candidate ? "candidate" : take.status === "rejected" ? "rejected" : "earlier";
    const picture = take.present === false ? h("span", { class: "none" }, "not here") : entry.kind === "audio" ? drawPeaks(take.peaks, 30) : take.thumb && h("img", { src: take.thumb, alt: "", width: 108, height: 61, decoding: "async" });
    return h(
      "button",
      { type: "button", class: "take", "aria-pressed": `${shown}`, title: take.reason ?? "", onclick: () => this.on.take(here) },
      h("span", { class: "pic" }, picture),
      h("span", { class: "cap" }, here < 9 ? kbd(`${here + 1}`) : null, h("span", null, h("span", { class: "visually-hidden" }, `Take ${take.take}, `), word)),
    );
  }

  /** @param {{entry: Entry, detail: Detail | null, numbered: Numbered[]}} view */
  notes({ entry, detail, numbered }) {
    const reasons = earlierReasons(detail?.history ?? []);
    const has = numbered.length + reasons.length > 0;
    const items = [...numbered.map((one) => this.note(one)), ...reasons.map(reasonNote)];
    return [h("h2", null, "Notes"), this.composer, has ? h("div", { id: "notes" }, items) : h("p", { class: "muted" }, entry.kind === "audio" ? "None yet. Press N, or I and O for a range first." : "None yet. Drag on the picture or press N.")];
  }

  /** @param {Numbered} one */
  note({ note, label, old, elsewhere }) {
    const where = [note.region && (note.region[2] ? "region" : "point"), note.time && formatRange(note.time)].filter(Boolean).join(", ");
    const on = note.kind === "audio" && elsewhere ? "on the narration" : old ? (note.take ? `on take ${note.take}` : "on another take") : "on this take";
    const settled = note.state === "settled";
    return h(
      "div",
      { class: `note${old ? " old" : ""}${settled ? " settled" : ""}`, data: { note: note.id } },
      h("p", null, label ? h("b", null, label) : icon("approved", "settled"), h("span", { class: "body" }, note.body)),
      h("small", null, h("bdi", null, note.author), `, ${[formatWhen(note.created), where, on].filter(Boolean).join(", ")}`),
      (note.replies ?? []).map((reply) => h("div", { class: "reply" }, h("p", null, reply.body), h("small", null, h("bdi", null, reply.author), `, ${formatWhen(reply.created)}`))),
      h(
        "div",
        { class: "acts" },
        note.region || note.time ? h("button", { type: "button", onclick: () => this.on.pick(note) }, "Show") : null,
        h("button", { type: "button", onclick: () => this.on.reply(note) }, "Reply"),
        h("button", { type: "button", onclick: () => this.on.settle(note) }, settled ? "Open again" : "Settle"),
      ),
    );
  }
}

/** Each reason once, though later entries of the history repeat it. @param {import("./types.js").Past[]} history */
function earlierReasons(history) {
  return history.filter((one, at) => one.reason && one.reason !== history[at + 1]?.reason);
}

/** @param {import("./types.js").Past} past */
function reasonNote(past) {
  return h("div", { class: "note reason" }, h("p", null, past.reason), h("small", null, `${past.what} by `, h("bdi", null, past.by), `, ${formatWhen(past.when)}`));
}

/** @param {string} title @param {...(Node | null | false | "" | undefined)} parts */
function section(title, ...parts) {
  const shown = parts.filter((one) => one instanceof Node);
  return shown.length ? [h("h2", null, title), ...shown] : [];
}

/** @param {string | null | undefined} text @param {Entry} entry @param {Asset | Detail | null} facts */
function prompt(text, entry, facts) {
  if (entry.kind === "audio") return facts?.voice ? h("p", { class: "muted" }, facts.voice) : null;
  return text ? h("p", { class: "muted" }, text) : null;
}

/** @param {import("./types.js").Gap[]} lines */
function gaps(lines) {
  return lines.length ? h("ul", { class: "gaps" }, lines.map((line) => h("li", null, `${line.kind} ${line.segment} ${line.problem}`))) : null;
}
