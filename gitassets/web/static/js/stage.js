import { h, icon, kbd, one, setStyle, withCode } from "./dom.js";

/**
 * @typedef {"flip" | "wipe" | "side" | "difference"} Mode
 * @typedef {[number, number, number, number]} Region Percent of the picture: left, top, width, height.
 *
 * @typedef {object} Shown A picture or clip.
 * @property {string} media
 * @property {string} md5
 * @property {"image" | "video"} kind
 * @property {string} label
 * @property {string} alt
 */

/** @type {[Mode, string, string][]} */
const MODES = [
  ["flip", "Flip", "1–9"],
  ["wipe", "Wipe", "W"],
  ["side", "Side by side", "S"],
  ["difference", "Difference", "D"],
];
const KEPT = 16;
const USUAL_FRAME_RATE = 25;
const LEAST_PERCENT = 1.2;
/** So far a clip may be from its narration. */
const DRIFT_SEC = 0.25;
const BACK_STEP_SEC = 0.03;

/** The pictures and clips that are decoded and ready to be shown, by URL. */
class Decoded {
  constructor() {
    /** @type {Map<string, HTMLImageElement | HTMLVideoElement>} */
    this.ready = new Map();
  }

  /** @param {Pick<Shown, "media" | "kind">} shown */
  prepare({ media, kind }) {
    const known = this.ready.get(media);
    if (known) {
      this.ready.delete(media);
      this.ready.set(media, known);
      return known;
    }
    const made = kind === "video" ? makeVideo(media) : makeImage(media);
    this.ready.set(media, made);
    for (const [key, element] of this.ready) {
      if (this.ready.size <= KEPT) break;
      if (element.isConnected) continue;
      if (element instanceof HTMLVideoElement) element.removeAttribute("src");
      this.ready.delete(key);
    }
    return made;
  }
}

/** @param {string} media */
function makeImage(media) {
  const image = new Image();
  image.decoding = "sync";
  image.fetchPriority = "high";
  image.draggable = false;
  image.src = media;
  image.decode().catch(() => undefined);
  return image;
}

/** @param {string} media */
function makeVideo(media) {
  const video = h("video", { preload: "auto", playsinline: true, muted: true, loop: true });
  video.muted = true;
  video.src = media;
  return video;
}

/** Where the asset is looked at. It says "draw" with a region, and "pick" with a note's id. */
export class Stage extends EventTarget {
  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.root = root;
    this.decoded = new Decoded();
    /** @type {Mode} */
    this.mode = "flip";
    /** @type {Shown | null} */
    this.shown = null;
    /** @type {Shown | null} */
    this.other = null;
    this.otherPane = h("div", { class: "pane other" });
    this.shownPane = h("div", { class: "pane shown" });
    this.frame = h("div", { class: "frame" });
    this.cut = h("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": "Where the two takes meet", oninput: () => this.wipe() });
    this.spoken = h("div", { class: "spoken", hidden: true });
    this.state = h("div", { class: "state", hidden: true });
    this.banner = h("div", { class: "banner note-banner", role: "status", hidden: true });
    this.compare = this.makeCompare();
    this.pair = h("div", { class: "pair" }, this.otherPane, this.shownPane);
    this.fit = h("div", { class: "fit" }, this.pair, h("div", { class: "wipe" }, this.cut, h("i")));
    this.root.append(this.fit, this.spoken, this.banner, this.compare, this.state);
    this.root.dataset.mode = this.mode;
    this.shownPane.append(this.frame);
    this.noting = false;
    this.frame.addEventListener("pointerdown", (event) => this.draw(event));
    new ResizeObserver(() => this.size()).observe(this.root);
  }

  makeCompare() {
    const buttons = MODES.map(([mode, word, key]) =>
      h("button", { type: "button", data: { mode }, "aria-pressed": mode === this.mode, onclick: () => this.setMode(mode) }, word, kbd(key)),
    );
    return h("div", { class: "cmp", role: "group", "aria-label": "Compare takes", hidden: true }, buttons);
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    for (const button of this.compare.querySelectorAll("button")) button.setAttribute("aria-pressed", `${button.dataset.mode === mode}`);
    this.root.dataset.mode = this.other ? mode : "flip";
    this.fill();
    if (mode === "wipe" && this.other) this.cut.focus({ preventScroll: true });
  }

  /** Change into a mode, or out of it. @param {Mode} mode */
  turn(mode) {
    if (this.other) this.setMode(this.mode === mode ? "flip" : mode);
  }

  wipe() {
    setStyle(this.fit, { "--cut": `${this.cut.value}%` });
  }

  /** @param {Shown | null} shown @param {Shown | null} other The take it is compared with. */
  show(shown, other) {
    this.shown = shown;
    this.other = other;
    this.state.hidden = true;
    this.spoken.hidden = true;
    this.fit.hidden = !shown;
    this.compare.hidden = !other;
    this.root.classList.remove("heard");
    this.root.dataset.mode = other ? this.mode : "flip";
    this.fill();
  }

  fill() {
    if (!this.shown) return;
    const shown = this.decoded.prepare(this.shown);
    if (shown instanceof HTMLImageElement) shown.alt = this.shown.alt;
    else shown.setAttribute("aria-label", this.shown.alt);
    if (this.frame.firstElementChild !== shown) {
      this.frame.querySelector("img, video")?.remove();
      this.frame.prepend(shown);
      this.await(shown);
    }
    this.fillOther();
    this.size();
    if (shown instanceof HTMLVideoElement) this.restart(shown);
  }

  fillOther() {
    this.frame.querySelector(".label")?.remove();
    if (!this.other || this.mode === "flip") return this.otherPane.replaceChildren();
    const other = this.decoded.prepare(this.other);
    if (other instanceof HTMLImageElement) other.alt = this.other.alt;
    const label = (/** @type {string} */ text) => (this.mode === "difference" ? [] : [h("span", { class: "label" }, text)]);
    this.otherPane.replaceChildren(h("div", { class: "frame" }, other, ...label(this.other.label)));
    if (this.shown) this.frame.append(...label(this.shown.label));
  }

  /** @param {HTMLImageElement | HTMLVideoElement} element */
  await(element) {
    const event = element instanceof HTMLVideoElement ? "loadedmetadata" : "load";
    element.addEventListener(event, () => this.size(), { once: true });
    element.addEventListener("error", () => element.isConnected && this.fail(), { once: true });
    const failed = element instanceof HTMLImageElement ? element.complete && !element.naturalWidth : !!element.error;
    if (failed) this.fail();
  }

  fail() {
    this.say("missing", "This file cannot be shown", "Its bytes are not here, or the browser cannot read them. `gitassets pull` fetches what is missing.");
  }

  /** @param {HTMLVideoElement} video */
  restart(video) {
    const videos = this.root.querySelectorAll("video");
    for (const each of videos) each.currentTime = video.currentTime;
  }

  get videos() {
    return /** @type {HTMLVideoElement[]} */ ([...this.fit.querySelectorAll("video")]);
  }

  /** Let clips go as the narration goes. @param {{playing: boolean, backwards: boolean, time: number, speed: number}} sound */
  follow({ playing, backwards, time, speed }) {
    const runs = playing && !backwards;
    for (const video of this.videos) {
      const wanted = video.duration ? time % video.duration : time;
      const off = Math.abs(video.currentTime - wanted);
      if (backwards ? off > BACK_STEP_SEC && !video.seeking : off > DRIFT_SEC) video.currentTime = wanted;
      video.playbackRate = speed;
      if (runs && video.paused) video.play().catch(() => undefined);
      if (!runs && !video.paused) video.pause();
    }
  }

  /** Go to the middle of another frame, so that rounding never shows its neighbour. @param {number} steps @param {number} [rate] Frames a second. */
  stepFrames(steps, rate = USUAL_FRAME_RATE) {
    for (const video of this.videos) {
      video.pause();
      const at = Math.floor(video.currentTime * rate + 0.001) + steps;
      const last = Math.max(0, Math.ceil((video.duration || Infinity) * rate) - 1);
      video.currentTime = (Math.max(0, Math.min(at, last)) + 0.5) / rate;
    }
  }

  /** Give each frame the size of its picture in the space there is, so that regions lie on the picture itself. */
  size() {
    for (const frame of /** @type {NodeListOf<HTMLElement>} */ (this.fit.querySelectorAll(".frame"))) {
      const element = frame.querySelector("img, video");
      const pane = frame.parentElement;
      if (!element || !pane) continue;
      const [width, height] = sizeOf(/** @type {HTMLImageElement | HTMLVideoElement} */ (element));
      const scale = Math.min(pane.clientWidth / width, pane.clientHeight / height);
      setStyle(frame, { width: `${Math.floor(width * scale)}px`, height: `${Math.floor(height * scale)}px` });
    }
  }

  /** Show the words of a narration large: they are what is judged. @param {string} text @param {[string, number, number][] | null | undefined} words */
  speak(text, words) {
    this.show(null, null);
    this.root.classList.add("heard");
    this.spoken.hidden = false;
    this.spoken.classList.toggle("long", text.length > 260);
    this.spoken.replaceChildren(h("p", null, ...(words?.length ? words.flatMap(([word]) => [h("span", { class: "w" }, word), " "]) : [text])));
    this.spoken.scrollTop = 0;
  }

  /** @param {string} name @param {string} title @param {string} text @param {...Node} more */
  say(name, title, text, ...more) {
    const shape = icon(name);
    shape.setAttribute("class", `big st-${name}`);
    this.state.hidden = false;
    this.state.replaceChildren(h("div", { class: "empty" }, shape, h("h2", null, title), h("p", null, withCode(text)), ...more));
  }

  wait() {
    this.state.hidden = false;
    this.state.replaceChildren(h("div", { class: "empty loading", role: "status" }, h("span", { class: "visually-hidden" }, "Loading")));
  }

  /** @param {string | null} text @param {...Node} more */
  warn(text, ...more) {
    this.banner.hidden = !text;
    this.banner.replaceChildren(...(text ? [icon("altered"), h("span", null, text), ...more] : []));
  }

  /**
   * @param {{id: string, region: Region, label: string, old: boolean}[]} regions
   * @param {Region | null} draft
   */
  markRegions(regions, draft) {
    for (const old of this.frame.querySelectorAll(".region")) old.remove();
    for (const each of regions) {
      const pick = () => this.dispatchEvent(new CustomEvent("pick", { detail: each.id }));
      const made = h("button", { type: "button", class: each.old ? "region old" : "region", "aria-label": `Note ${each.label}`, onclick: pick }, h("b", null, each.label));
      made.addEventListener("pointerdown", (event) => event.stopPropagation());
      this.frame.append(placeRegion(made, each.region));
    }
    if (draft) this.frame.append(placeRegion(h("span", { class: "region draft" }, h("b", null, "new")), draft));
  }

  /** Draw a box, or set a point by a click while a note is written. @param {PointerEvent} event */
  draw(event) {
    if (event.button !== 0 || !this.shown) return;
    event.preventDefault();
    const box = this.frame.getBoundingClientRect();
    const at = (/** @type {PointerEvent} */ one) => [share(one.clientX - box.left, box.width), share(one.clientY - box.top, box.height)];
    const start = at(event);
    /** @param {PointerEvent} one @returns {Region} */
    const span = (one) => {
      const end = at(one);
      return [Math.min(start[0], end[0]), Math.min(start[1], end[1]), Math.abs(end[0] - start[0]), Math.abs(end[1] - start[1])];
    };
    const preview = h("span", { class: "region draft" });
    const move = (/** @type {PointerEvent} */ one) => {
      this.frame.append(placeRegion(preview, span(one)));
    };
    const stop = (/** @type {PointerEvent} */ one) => {
      preview.remove();
      this.frame.removeEventListener("pointermove", move);
      const region = span(one);
      const isPoint = region[2] < LEAST_PERCENT && region[3] < LEAST_PERCENT;
      if (one.type === "pointerup" && (!isPoint || this.noting)) this.tellRegion(isPoint ? [start[0], start[1], 0, 0] : region);
    };
    this.frame.setPointerCapture(event.pointerId);
    this.frame.addEventListener("pointermove", move);
    this.frame.addEventListener("pointerup", stop, { once: true });
    this.frame.addEventListener("pointercancel", stop, { once: true });
  }

  /** @param {Region} region */
  tellRegion(region) {
    const detail = region.map((each) => Math.round(each * 10) / 10);
    this.dispatchEvent(new CustomEvent("draw", { detail }));
  }
}

/** @param {HTMLImageElement | HTMLVideoElement} element */
function sizeOf(element) {
  const [width, height] = element instanceof HTMLVideoElement ? [element.videoWidth, element.videoHeight] : [element.naturalWidth, element.naturalHeight];
  return width && height ? [width, height] : [16, 9];
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return Math.max(0, Math.min(100, (100 * part) / whole));
}

/** @template {HTMLElement} T @param {T} made @param {Region} region */
function placeRegion(made, [left, top, width, height]) {
  made.classList.toggle("point", width === 0 && height === 0);
  made.classList.toggle("high", top < 6 && height > 0);
  setStyle(made, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
  return made;
}

/** @param {HTMLElement} root */
export const findStage = (root) => one(".stage", root);
