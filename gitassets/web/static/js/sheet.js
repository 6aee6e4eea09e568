/** A sheet: a run in one file. It shows, plays and takes decisions without a server, and saves them to a small file. */

import { readPref, turnTheme, writePref } from "./prefs.js";
import { h, icon, kbd, mark, one, readData, setStyle, status, svg } from "./dom.js";
import { count, formatRange, formatTime, shortHash } from "./format.js";
import { bindKeys } from "./keys.js";
import { openDialog } from "./dialog.js";
import { toasts } from "./toasts.js";
import { openHelp } from "./help.js";

/**
 * @typedef {{body: string, author: string, state: string, take: number, time: [number, number] | null, region: number[] | null}} Note
 * @typedef {{media: string, media_type: string, thumb: string | null, peaks: number[]}} Copied
 * @typedef {{kind: string, status: string, take: number, md5: string, source: string | null, prompt: string | null, voice: string | null,
 *   reason: string | null, duration_sec: number | null, width: number | null, height: number | null, stale: string | null, listed: boolean,
 *   why_not: string | null, notes: Note[], copied: Copied | null}} Asset
 * @typedef {{segment: number, text: string, notes: string | null, assets: Asset[]}} Segment
 * @typedef {{segment: Segment, asset: Asset, key: string}} Entry
 * @typedef {{action: "approve" | "reject", reason: string}} Decision
 * @typedef {{segment: number, kind: string, md5: string, text: string, time?: [number, number], region?: [number, number, number, number]}} MyNote
 */

/** @type {{run_id: string, commit: string, segments: Segment[]}} */
const sheet = readData();
const STORE = `sheet.${sheet.run_id}.${sheet.commit}`;
/** @type {Record<string, string>} */
const WORDS = { audio: "narration", image: "image", video: "clip" };
/** @type {Record<string, string>} */
const BECOMES = { approve: "approved", reject: "rejected" };
const MOST_TEXT = 2000;
const BARS = innerWidth < 900 ? 72 : 160;

/** @type {Entry[]} */
const entries = sheet.segments.flatMap((segment) =>
  segment.assets.filter((asset) => asset.listed).map((asset) => ({ segment, asset, key: `${segment.segment}/${asset.kind}` })),
);
const open = entries.filter((entry) => !entry.asset.why_not);

/** @type {Map<string, Decision>} */
const decisions = new Map();
/** @type {MyNote[]} */
const notes = [];
let reviewer = readPref("reviewer", "");
let saved = true;
/** @type {{key: string, before: Decision | undefined} | null} */
let last = null;
let at = 0;

const chosenTheme = readPref("theme", "");
if (chosenTheme === "dark" || chosenTheme === "light") document.documentElement.dataset.theme = chosenTheme;

/* What was decided before, in this browser. */

function remember() {
  saved = false;
  writePref(STORE, JSON.stringify({ decisions: [...decisions], notes }));
}

function recall() {
  try {
    const found = JSON.parse(readPref(STORE, "{}"));
    for (const [key, decision] of found.decisions ?? []) {
      if (open.some((entry) => entry.key === key) && decision.action in BECOMES) decisions.set(key, decision);
    }
    for (const note of found.notes ?? []) {
      if (typeof note.text === "string" && entries.some(({ segment, asset }) => asset.md5 === note.md5 && segment.segment === note.segment)) notes.push(note);
    }
  } catch {
    // Nothing usable was stored.
  }
}

/* The media lie at the end of the page. */

/** @type {Promise<void>} */
const parsed = new Promise((resolve) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => resolve());
  else resolve();
});
/** @type {Map<string, string>} */
const urls = new Map();

/** @param {string} name @param {string} type @returns {Promise<string>} */
async function urlOf(name, type) {
  const known = urls.get(name);
  if (known) return known;
  if (!document.getElementById(`m-${name}`)) await parsed;
  const binary = atob(document.getElementById(`m-${name}`)?.textContent ?? "");
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  urls.set(name, url);
  return url;
}

/** @param {HTMLImageElement | HTMLMediaElement} element @param {string} name @param {string} type */
function load(element, name, type) {
  urlOf(name, type).then((url) => {
    element.src = url;
  });
}

/* The page. */

const title = h("h1", { id: "asset-title", tabindex: "-1" });
const facts = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "About this asset" });
const stage = h("div", { class: "stage" });
const progress = h("span");
const bars = { approve: svg("rect", { class: "approved", width: 0, height: 6 }), reject: svg("rect", { class: "rejected", width: 0, height: 6 }) };
const lead = h("p");
const narration = h("audio", { preload: "metadata" });
const playShape = h("span", { class: "shape" });
const play = h("button", { type: "button", class: "play", "aria-label": "Play", onclick: () => togglePlay() }, playShape);
const slider = h("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": "Place in the narration", oninput: () => seek(Number(slider.value) / 1000) });
const donePath = svg("path", { class: "done", d: "" });
const restPath = svg("path", { d: "" });
const cursor = h("i", { class: "cursor" });
const wave = h("div", { class: "wave" }, svg("svg", { class: "peaks", viewBox: `0 0 ${BARS} 16`, preserveAspectRatio: "none", "aria-hidden": "true" }, restPath, donePath), slider, cursor);
const silent = h("div", { class: "nothing" }, "No narration");
const said = h("p", { class: "said" });
const now = h("b", null, "0:00.0");
const whole = h("span", { class: "of" });
const saveCount = h("span", { class: "n" });
const list = h("ol", { "aria-label": "Segments" });
const strip = h("nav", { class: "strip", "aria-label": "Where you are in the run" }, list);

/** @param {string} path */
const arrow = (path) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: path }));
const back = h("button", { type: "button", class: "turn back", "aria-label": "Previous asset", onclick: () => go(at - 1) }, arrow("M10 3L5 8l5 5"));
const on = h("button", { type: "button", class: "turn on", "aria-label": "Next asset", onclick: () => go(at + 1) }, arrow("M6 3l5 5-5 5"));
const approveButton = h("button", { type: "button", class: "b ok", id: "approve", "aria-keyshortcuts": "A", onclick: () => approve() }, h("span", null, "Approve"), " ", kbd("A"));
const rejectButton = h("button", { type: "button", class: "b no", id: "reject", "aria-keyshortcuts": "R", onclick: () => reject() }, h("span", null, "Reject"), " ", kbd("R"));

/** @param {string} more */
const noteButton = (more) => h("button", { type: "button", class: `b ${more}`, "aria-keyshortcuts": "N", onclick: () => writeNote() }, "Note", " ", kbd("N"));

const bindings = [
  { keys: "A", what: "Approve", run: () => approve() },
  { keys: "R", what: "Reject, with a reason or without", run: () => reject() },
  { keys: "N", what: "Write a note", run: () => writeNote() },
  { keys: "U Ctrl+Z", what: "Take the last decision back", run: () => undo() },
  { keys: "ArrowLeft", what: "Previous asset", run: () => go(at - 1), repeats: true },
  { keys: "ArrowRight", what: "Next asset", run: () => go(at + 1), repeats: true },
  { keys: "G", what: "First asset that needs a decision", run: () => go(nextOpen(0)) },
  { keys: "Space", what: "Play or pause", run: () => togglePlay() },
  { keys: "S", what: "Save the decisions", run: () => save() },
  { keys: "?", what: "Show the keys", run: () => openHelp(bindings) },
];

function build() {
  document.body.append(
    h("a", { class: "skip", href: "#asset-title" }, "To the asset"),
    h(
      "header",
      { class: "top" },
      h("div", { class: "path" }, h("span", { class: "sep hide-narrow" }, "Review"), h("b", null, sheet.run_id)),
      h(
        "div",
        { class: "prog", role: "status" },
        h("span", { class: "bar", "aria-hidden": "true" }, svg("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none" }, bars.approve, bars.reject)),
        progress,
      ),
      h(
        "div",
        { class: "tools" },
        h("button", { type: "button", class: "b quiet icon", "aria-label": "Dark or light", onclick: turnTheme }, icon("sun")),
        h("button", { type: "button", class: "b quiet icon hide-narrow", "aria-label": "Keys", onclick: () => openHelp(bindings) }, kbd("?")),
        h("button", { type: "button", class: "b primary", id: "save", onclick: () => save() }, "Save", h("span", { class: "hide-narrow" }, " decisions"), saveCount),
      ),
    ),
    h(
      "main",
      { class: "judge", "aria-label": "What is judged" },
      stage,
      h(
        "section",
        { class: "sound", "aria-label": "Narration" },
        play,
        h("div", { class: "wv" }, wave, silent, said),
        h("div", { class: "time" }, now, whole),
        narration,
      ),
    ),
    h(
      "aside",
      { class: "known", "aria-label": "What is known, and what can be done" },
      facts,
      h("div", { class: "do" }, lead, h("div", { class: "row" }, approveButton, rejectButton, noteButton("only-narrow")), h("div", { class: "row second" }, noteButton("s hide-narrow"), h("button", { type: "button", class: "b s", onclick: () => go(nextOpen(at + 1)) }, "Next undecided"))),
    ),
    strip,
  );
  list.append(...sheet.segments.map(makeSegment));
  listen();
}

function listen() {
  bindKeys(bindings);
  narration.addEventListener("timeupdate", drawTime);
  for (const name of ["play", "pause", "ended"]) narration.addEventListener(name, drawPlaying);
  narration.addEventListener("loadedmetadata", drawTime);
  addEventListener("beforeunload", (event) => {
    if (!saved && decisions.size + notes.length) event.preventDefault();
  });
  let from = 0;
  stage.addEventListener("touchstart", (event) => (from = event.touches.length === 1 ? event.touches[0].clientX : 0), { passive: true });
  stage.addEventListener("touchend", (event) => {
    const moved = from ? event.changedTouches[0].clientX - from : 0;
    if (Math.abs(moved) > 60 && (visualViewport?.scale ?? 1) === 1) go(at + (moved < 0 ? 1 : -1));
  });
}

/* Where one is. */

/** @param {number} from @returns {number} The first undecided entry from there on, else the first of all; the same if all are decided. */
function nextOpen(from) {
  const wanted = (/** @type {Entry} */ entry) => !entry.asset.why_not && !decisions.has(entry.key);
  const ahead = entries.findIndex((entry, place) => place >= from && wanted(entry));
  const any = ahead < 0 ? entries.findIndex(wanted) : ahead;
  return any < 0 ? at : any;
}

/** @param {number} place */
function go(place) {
  if (place < 0 || place >= entries.length) return;
  const before = entries[at];
  at = place;
  show(before.segment !== entries[at].segment);
}

/** @param {boolean} turned Another segment than before. */
function show(turned) {
  const { segment, asset } = entries[at];
  if (turned) loadNarration(segment);
  showStage(segment, asset);
  showFacts();
  for (const item of list.querySelectorAll("li")) {
    const here = item.dataset.segment === `${segment.segment}`;
    item.classList.toggle("cur", here);
    item.querySelector("button")?.toggleAttribute("aria-current", here);
    for (const shape of item.querySelectorAll(".mark")) shape.classList.toggle("here", here && /** @type {SVGElement} */ (shape).dataset.kind === asset.kind);
    if (here && turned) item.scrollIntoView({ block: "nearest", inline: "center" });
  }
  back.disabled = at === 0;
  on.disabled = at === entries.length - 1;
}

/** @param {Segment} segment @param {Asset} asset */
function showStage(segment, asset) {
  stage.classList.toggle("heard", asset.kind === "audio");
  said.textContent = asset.kind === "audio" ? "" : segment.text;
  const shown = asset.copied ? showMedia(segment, asset, asset.copied) : showNothing("The bytes of this asset were not there when the sheet was made.");
  stage.replaceChildren(shown, back, on);
}

/** @param {Segment} segment @param {Asset} asset @param {Copied} copied */
function showMedia(segment, asset, copied) {
  if (asset.kind === "audio") return h("div", { class: segment.text.length > (innerWidth < 900 ? 120 : 240) ? "spoken long" : "spoken" }, h("p", null, segment.text || "This segment has no text."));
  const name = `Segment ${segment.segment}, ${WORDS[asset.kind]}`;
  const frame = h("div", { class: "frame" });
  if (asset.width && asset.height) setStyle(frame, { "--ratio": `${asset.width / asset.height}` });
  const media = asset.kind === "video" ? h("video", { controls: true, playsinline: true, "aria-label": name }) : h("img", { alt: `${name}: ${asset.prompt ?? segment.text}`, decoding: "async" });
  const fit = () => {
    const [wide, high] = media instanceof HTMLVideoElement ? [media.videoWidth, media.videoHeight] : [media.naturalWidth, media.naturalHeight];
    if (wide && high) setStyle(frame, { "--ratio": `${wide / high}` });
  };
  media.addEventListener(media instanceof HTMLVideoElement ? "loadedmetadata" : "load", fit);
  load(media, copied.media, copied.media_type);
  frame.append(media, ...regionsOf(segment, asset));
  return h("div", { class: "fit" }, frame);
}

/** @param {Segment} segment @param {Asset} asset */
function regionsOf(segment, asset) {
  const found = [...asset.notes.filter((note) => note.state === "open" && note.take === asset.take), ...mine(segment, asset)];
  return found.flatMap(({ region }, place) => {
    if (!region) return [];
    const [left, top, width, height] = region;
    const box = h("span", { class: width || height ? "region" : "region point", "aria-hidden": "true" }, h("b", null, `${place + 1}`));
    setStyle(box, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
    return [box];
  });
}

/** @param {string} why */
function showNothing(why) {
  return h("div", { class: "fit" }, h("div", { class: "nothing-here" }, icon("missing"), h("p", null, why)));
}

/** @param {Segment} segment @param {Asset} asset */
const mine = (segment, asset) => notes.filter((note) => note.segment === segment.segment && note.kind === asset.kind);

/* What is known. */

function showFacts() {
  const { segment, asset, key } = entries[at];
  const decision = decisions.get(key);
  title.textContent = `Segment ${segment.segment}, ${WORDS[asset.kind]}`;
  const own = mine(segment, asset);
  facts.replaceChildren(
    ...[
      kindsOf(segment),
      title,
      h("p", { class: "meta" }, status(asset.status), `take ${asset.take}`, h("span", { class: "hash" }, shortHash(asset.md5)), [asset.source, asset.voice].filter(Boolean).join(", ")),
      decision && decidedLine(decision),
      asset.stale && h("div", { class: "flags" }, h("div", { class: "flag" }, mark("stale"), `It ${asset.stale}.`)),
      segment.text && asset.kind !== "audio" && h("h2", null, "Narration"),
      segment.text && asset.kind !== "audio" && h("p", { class: "serif text" }, segment.text),
      asset.kind === "audio" && seenWith(segment),
      asset.prompt && h("h2", null, "Prompt"),
      asset.prompt && h("p", { class: "muted" }, asset.prompt),
      asset.reason && h("h2", null, "Rejected before because"),
      asset.reason && h("p", { class: "muted" }, asset.reason),
      (asset.notes.length || own.length || segment.notes) && h("h2", null, "Notes"),
      segment.notes && h("div", { class: "note old" }, h("p", { class: "body" }, segment.notes), h("small", null, "on the segment")),
      ...asset.notes.map((note) => noteLine(note, `${note.author}${note.take === asset.take ? "" : `, on take ${note.take}`}`, note.state === "settled" ? "note settled" : "note")),
      ...own.map((note) => noteLine({ ...note, time: note.time ?? null, region: note.region ?? null }, "you", "note", note)),
    ].filter((part) => part instanceof Node),
  );
  facts.scrollTop = 0;
  lead.textContent = asset.why_not ? `This ${WORDS[asset.kind]} ${asset.why_not}. You can still write a note.` : "A decision holds for exactly what you see and hear here.";
  approveButton.disabled = rejectButton.disabled = !!asset.why_not;
  drawProgress();
}

/** @param {Segment} segment */
function kindsOf(segment) {
  const listed = segment.assets.filter((asset) => asset.listed);
  if (listed.length < 2) return null;
  const go_to = (/** @type {Asset} */ asset) => go(entries.findIndex((entry) => entry.asset === asset));
  return h(
    "div",
    { class: "kinds", role: "group", "aria-label": "Assets of this segment" },
    listed.map((asset) => h("button", { type: "button", "aria-pressed": `${asset === entries[at].asset}`, onclick: () => go_to(asset) }, mark(nowOf(segment, asset)), WORDS[asset.kind])),
  );
}

/** The picture of a segment whose narration is judged. @param {Segment} segment */
function seenWith(segment) {
  const asset = segment.assets.find((one) => one.copied?.thumb);
  const place = entries.findIndex((entry) => entry.asset === asset);
  if (!asset?.copied?.thumb) return null;
  const picture = h("img", { alt: `The ${WORDS[asset.kind]} of this segment`, decoding: "async" });
  load(picture, asset.copied.thumb, "image/webp");
  const shown = place < 0 ? h("div", { class: "beside" }, picture) : h("button", { type: "button", class: "beside", onclick: () => go(place) }, picture);
  return h("div", null, h("h2", null, "Seen with it"), shown);
}

/** @param {Decision} decision */
function decidedLine(decision) {
  const undoIt = () => {
    decisions.delete(entries[at].key);
    changed(entries[at]);
  };
  const words = decision.reason ? `You rejected it: ${decision.reason}` : `You ${BECOMES[decision.action]} it.`;
  return h("div", { class: "decided" }, h("span", { class: `st st-${BECOMES[decision.action]}` }, icon(BECOMES[decision.action])), h("p", null, words), h("button", { type: "button", onclick: undoIt }, "Take back"));
}

/**
 * @param {{body?: string, text?: string, time: [number, number] | null, region: number[] | null}} note
 * @param {string} by
 * @param {string} name
 * @param {MyNote} [own]
 */
function noteLine(note, by, name, own) {
  const when = note.time ? `, at ${formatRange(note.time)}` : "";
  const where = note.region ? ", on a spot" : "";
  const remove = () => {
    if (own) notes.splice(notes.indexOf(own), 1);
    changed(entries[at]);
  };
  return h("div", { class: name }, h("p", { class: "body" }, note.body ?? note.text ?? ""), h("small", null, `${by}${when}${where}`), own && h("p", { class: "acts" }, h("button", { type: "button", onclick: remove }, "Delete")));
}

/** @param {Segment} segment @param {Asset} asset The status with the decision made here. */
function nowOf(segment, asset) {
  const decision = decisions.get(`${segment.segment}/${asset.kind}`);
  return decision ? BECOMES[decision.action] : asset.status;
}

/** @param {Segment} segment */
function makeSegment(segment) {
  const item = h("li", { data: { segment: `${segment.segment}` } });
  fillSegment(item, segment);
  return item;
}

/** @param {HTMLElement} item @param {Segment} segment */
function fillSegment(item, segment) {
  const listed = segment.assets.filter((asset) => asset.listed);
  const seen = segment.assets.find((asset) => asset.copied?.thumb)?.copied?.thumb;
  const picture = seen ? h("img", { alt: "", width: 116, height: 58, decoding: "async" }) : h("p", null, segment.text.slice(0, 60));
  if (picture instanceof HTMLImageElement && seen) load(picture, seen, "image/webp");
  const peaks = segment.assets.find((asset) => asset.kind === "audio")?.copied?.peaks ?? [];
  const names = segment.assets.filter((asset) => asset.listed).map((asset) => `${WORDS[asset.kind]} ${nowOf(segment, asset)}`);
  const pick = () => {
    const own = entries.filter((entry) => entry.segment === segment);
    go(entries.indexOf(own.find((entry) => !entry.asset.why_not && !decisions.has(entry.key)) ?? own[0]));
  };
  const marks = listed.map((asset) => {
    const made = mark(nowOf(segment, asset));
    made.dataset.kind = asset.kind;
    return made;
  });
  const small = svg("svg", { class: "peaks", viewBox: "0 0 40 16", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: drawBars(peaks, 40) }));
  item.replaceChildren(
    h("button", { type: "button", class: "seg", "aria-label": `Segment ${segment.segment}: ${names.join(", ")}`, onclick: pick }, h("div", { class: "pic" }, picture), h("div", { class: "mini" }, small), h("div", { class: "cap" }, h("b", null, `${segment.segment}`), h("span", { class: "marks" }, marks))),
  );
}

/* Sound. */

/** @param {Segment} segment */
function loadNarration(segment) {
  const asset = segment.assets.find((one) => one.kind === "audio");
  const copied = asset?.copied;
  narration.pause();
  narration.removeAttribute("src");
  wave.hidden = !copied;
  silent.hidden = !!copied;
  silent.textContent = asset ? "The narration is not in this sheet" : "No narration yet";
  play.disabled = !copied;
  whole.textContent = `of ${formatTime(asset?.duration_sec)}`;
  const path = drawBars(copied?.peaks ?? [], BARS);
  restPath.setAttribute("d", path);
  donePath.setAttribute("d", path);
  if (copied) load(narration, copied.media, copied.media_type);
  drawPlaying();
  drawTime();
}

/** @param {number[]} peaks Heights from 0 to 100. @param {number} bars */
function drawBars(peaks, bars) {
  if (!peaks.length) return `M0 8H${bars}`;
  const step = peaks.length / bars;
  return Array.from({ length: bars }, (_, bar) => {
    const high = Math.max(0.5, (Math.max(...peaks.slice(Math.floor(bar * step), Math.max(Math.floor(bar * step) + 1, Math.floor((bar + 1) * step)))) / 100) * 7.5);
    return `M${bar + 0.5} ${(8 - high).toFixed(1)}v${(high * 2).toFixed(1)}`;
  }).join("");
}

function drawTime() {
  const length = Number.isFinite(narration.duration) && narration.duration > 0 ? narration.duration : 1;
  const share = Math.min(1, narration.currentTime / length);
  now.textContent = formatTime(narration.currentTime);
  slider.value = `${Math.round(share * 1000)}`;
  slider.setAttribute("aria-valuetext", formatTime(narration.currentTime));
  setStyle(cursor, { left: `${share * 100}%` });
  setStyle(donePath, { "clip-path": `inset(-20px ${100 - share * 100}% -20px -2px)` });
}

function drawPlaying() {
  play.setAttribute("aria-label", narration.paused ? "Play" : "Pause");
  playShape.replaceChildren(svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, narration.paused ? svg("path", { d: "M5 3l8 5-8 5z" }) : svg("path", { d: "M5 3v10M11 3v10", class: "stop" })));
}

/** @param {number} share */
function seek(share) {
  if (Number.isFinite(narration.duration)) narration.currentTime = share * narration.duration;
  drawTime();
}

/** The narration, and the clip with it if one is shown. */
function togglePlay() {
  const clip = stage.querySelector("video");
  const paused = play.disabled ? (clip?.paused ?? true) : narration.paused;
  for (const media of [play.disabled ? null : narration, clip]) {
    if (!media) continue;
    if (!paused) media.pause();
    else media.play().catch(() => toasts.show("This browser did not play it.", { bad: true, mark: "missing" }));
  }
}

/* Decisions. */

function approve() {
  if (entries[at].asset.why_not) return refuse();
  decide({ action: "approve", reason: "" });
}

function reject() {
  if (entries[at].asset.why_not) return refuse();
  const before = decisions.get(entries[at].key);
  const field = h("input", { type: "text", id: "reason", autocomplete: "off", maxlength: MOST_TEXT, value: before?.reason ?? "", placeholder: "Why? It may stay empty." });
  const used = [...new Set([...decisions.values()].map((one) => one.reason).filter(Boolean))].slice(0, 8);
  const dialog = openDialog({
    title: `Reject ${WORDS[entries[at].asset.kind]} ${entries[at].segment.segment}`,
    lead: "The reason goes to whoever makes the next take.",
    body: [
      h("div", { class: "field" }, h("label", { for: "reason" }, "Reason"), field),
      used.length ? h("fieldset", { class: "chiprow" }, h("legend", { class: "visually-hidden" }, "Reasons used before"), used.map((reason) => h("button", { type: "button", class: "chip", onclick: () => ((field.value = reason), field.focus()) }, reason))) : null,
    ],
    foot: [h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "submit", class: "b no" }, "Reject", kbd("Enter"))],
    onsubmit: () => {
      dialog.close();
      decide({ action: "reject", reason: field.value.trim() });
    },
  });
  field.focus();
}

function refuse() {
  const { asset } = entries[at];
  toasts.show(`This ${WORDS[asset.kind]} ${asset.why_not}.`, { mark: "missing" });
}

/** @param {Decision} decision */
function decide(decision) {
  const entry = entries[at];
  last = { key: entry.key, before: decisions.get(entry.key) };
  decisions.set(entry.key, decision);
  changed(entry, false);
  const done = `${decision.action === "approve" ? "Approved" : "Rejected"} ${WORDS[entry.asset.kind]} ${entry.segment.segment}`;
  const finished = open.every((one) => decisions.has(one.key));
  toasts.show(finished ? `${done}. All is decided.` : done, { mark: BECOMES[decision.action], offers: [{ label: "Undo", key: "U", run: undo }, ...(finished ? [{ label: "Save", key: "S", run: save }] : [])], keep: finished });
  const next = nextOpen(at + 1);
  if (next === at) showFacts();
  else go(next);
}

function undo() {
  if (!last) return toasts.show("There is nothing to take back.", { mark: "draft" });
  const { key, before } = last;
  last = null;
  if (before) decisions.set(key, before);
  else decisions.delete(key);
  const place = entries.findIndex((entry) => entry.key === key);
  changed(entries[place], false);
  if (place === at) showFacts();
  else go(place);
  toasts.show(`Took it back: ${WORDS[entries[place].asset.kind]} ${entries[place].segment.segment}`, { mark: "review" });
}

/** @param {Entry} entry @param {boolean} [redraw] */
function changed(entry, redraw = true) {
  remember();
  const item = /** @type {HTMLElement | null} */ (list.querySelector(`li[data-segment="${entry.segment.segment}"]`));
  if (item) fillSegment(item, entry.segment);
  if (redraw) show(false);
}

function drawProgress() {
  const tally = { approve: 0, reject: 0 };
  for (const { action } of decisions.values()) tally[action] += 1;
  const done = tally.approve + tally.reject;
  const total = Math.max(open.length, 1);
  progress.textContent = open.length ? `${done} of ${open.length} decided` : "Nothing to decide";
  bars.approve.setAttribute("width", `${(100 * tally.approve) / total}`);
  bars.reject.setAttribute("x", `${(100 * tally.approve) / total}`);
  bars.reject.setAttribute("width", `${(100 * tally.reject) / total}`);
  saveCount.textContent = done + notes.length ? ` ${done + notes.length}` : "";
}

/* Notes. */

function writeNote() {
  const { segment, asset } = entries[at];
  const timed = asset.kind === "image" ? null : asset.kind === "video" ? stage.querySelector("video") : narration;
  const place = timed && timed.currentTime > 0 ? Math.min(timed.currentTime, asset.duration_sec ?? timed.currentTime) : null;
  timed?.pause();
  const field = h("textarea", { id: "note-text", maxlength: MOST_TEXT, placeholder: "What should be different?" });
  const here = h("input", { type: "checkbox", checked: true });
  /** @type {[number, number, number, number] | undefined} */
  let region;
  const spot = asset.kind === "image" && asset.copied ? pickSpot(asset.copied, (found) => (region = found)) : null;
  const dialog = openDialog({
    title: `Note on ${WORDS[asset.kind]} ${segment.segment}`,
    body: [
      h("div", { class: "field" }, h("label", { for: "note-text" }, "Note"), field),
      place === null ? null : h("label", { class: "switch" }, here, h("span", null, `At ${formatTime(place)}`, h("small", null, "Turn it off for a note on the whole."))),
      spot && h("div", { class: "field" }, h("span", null, "Press the spot it is about, if there is one"), spot),
    ],
    foot: [h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "submit", class: "b primary" }, "Add note")],
    onsubmit: () => {
      const text = field.value.trim();
      if (!text) return field.focus();
      dialog.close();
      const moment = place !== null && here.checked ? Math.round(place * 1000) / 1000 : null;
      notes.push({ segment: segment.segment, kind: asset.kind, md5: asset.md5, text, ...(moment === null ? {} : { time: [moment, moment] }), ...(region ? { region } : {}) });
      changed(entries[at]);
      toasts.show("Noted", { mark: "noted" });
    },
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form")?.requestSubmit();
  });
  field.focus();
}

/** @param {Copied} copied @param {(region: [number, number, number, number]) => void} onpick */
function pickSpot(copied, onpick) {
  const picture = h("img", { alt: "" });
  load(picture, copied.media, copied.media_type);
  const point = h("i", { hidden: true });
  const press = (/** @type {MouseEvent} */ event) => {
    const box = picture.getBoundingClientRect();
    const keyboard = event.detail === 0;
    const [x, y] = keyboard ? [50, 50] : [((event.clientX - box.left) / box.width) * 100, ((event.clientY - box.top) / box.height) * 100].map((one) => Math.round(Math.min(100, Math.max(0, one)) * 10) / 10);
    point.hidden = false;
    setStyle(point, { left: `${x}%`, top: `${y}%` });
    onpick([x, y, 0, 0]);
  };
  return h("button", { type: "button", class: "spot", "aria-label": "Mark a spot on the picture", onclick: press }, picture, point);
}

/* Saving. */

function format() {
  const decided = open.flatMap(({ segment, asset, key }) => {
    const decision = decisions.get(key);
    if (!decision) return [];
    const reason = decision.action === "reject" && decision.reason ? { reason: decision.reason } : {};
    return [{ segment: segment.segment, kind: asset.kind, md5: asset.md5, action: decision.action, ...reason }];
  });
  return `${JSON.stringify({ format: "gitassets-decisions", version: 1, run_id: sheet.run_id, commit: sheet.commit, by: reviewer, decisions: decided, notes }, null, 1)}\n`;
}

function save() {
  if (!decisions.size && !notes.length) return toasts.show("There is nothing to save yet.", { mark: "draft" });
  const tally = [...decisions.values()].reduce((found, { action }) => ({ ...found, [action]: found[action] + 1 }), { approve: 0, reject: 0 });
  const undecided = open.length - decisions.size;
  const field = h("input", { type: "text", id: "reviewer", autocomplete: "name", maxlength: 100, required: true, value: reviewer });
  const text = h("textarea", { class: "out", readonly: true, rows: 6, "aria-label": "The decisions as text" });
  const shown = h("div", { class: "field", hidden: true }, h("span", null, "Copy this text into a file that ends in .json"), text);
  const named = () => {
    reviewer = field.value.trim();
    if (!reviewer) field.focus();
    else writePref("reviewer", reviewer);
    return !!reviewer;
  };
  const copy = async () => {
    if (!named()) return;
    text.value = format();
    shown.hidden = false;
    text.focus();
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      toasts.show("Copied", { mark: "approved" });
      saved = true;
    } catch {
      if (document.execCommand("copy")) toasts.show("Copied", { mark: "approved" });
    }
  };
  const dialog = openDialog({
    title: "Save your decisions",
    lead: "Send the file to whoever gave you this sheet. Nothing is sent by itself.",
    body: [
      h("ul", { class: "tally" }, tally.approve ? h("li", null, status("approved", `${tally.approve} approved`)) : null, tally.reject ? h("li", null, status("rejected", `${tally.reject} rejected`)) : null, notes.length ? h("li", null, status("noted", count(notes.length, "note"))) : null, undecided ? h("li", { class: "muted" }, `${undecided} undecided`) : null),
      h("div", { class: "field" }, h("label", { for: "reviewer" }, "Your name, as it will stand beside the decisions"), field),
      h("p", { class: "muted" }, "They are committed by ", h("code", null, `gitassets decide ${sheet.run_id} FILE`)),
      shown,
    ],
    foot: [h("button", { type: "button", class: "b quiet", onclick: copy }, "Copy as text"), h("button", { type: "submit", class: "b primary", id: "save-file" }, "Save file")],
    onsubmit: () => {
      if (!named()) return;
      download();
      dialog.close();
    },
  });
  if (!reviewer) field.focus();
  else /** @type {HTMLElement} */ (one("#save-file", dialog)).focus();
}

function download() {
  const name = `${sheet.run_id}-${reviewer.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "") || "decisions"}.json`;
  const url = URL.createObjectURL(new Blob([format()], { type: "application/json" }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  saved = true;
  toasts.show(`Saved ${name}`, { mark: "approved" });
}

/* Begin. */

recall();
build();
if (entries.length) {
  at = nextOpen(0);
  show(true);
}
document.title = `Review ${sheet.run_id}`;

