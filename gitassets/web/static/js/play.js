import { get } from "./api.js";
import { h, icon, kbd, setStyle } from "./dom.js";
import { formatLength } from "./format.js";
import { toasts } from "./toasts.js";

/** @typedef {import("./types.js").Shot} Shot */

/** By how much the build magnifies at most. */
const NEAREST = 0.08;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** The run as the video will be: narration after narration, what is seen with them, and the camera. Nothing is built. */
export class PlayThrough {
  /** @param {import("./store.js").RunStore} store @param {(segment: number) => void} onleave */
  constructor(store, onleave) {
    this.store = store;
    this.onleave = onleave;
    /** @type {Shot[]} */
    this.shots = [];
    this.at = 0;
    this.audio = new Audio();
    this.next = new Audio();
    this.next.preload = "auto";
    /** @type {Animation | null} */
    this.camera = null;
    this.clock = 0;
    this.stopped = true;
  }

  /** @param {number} segment */
  async open(segment) {
    const { ticks, said, dialog } = this.make();
    try {
      const answer = await get(this.store.path("/playlist"));
      this.shots = answer.shots ?? answer.playlist ?? answer;
    } catch (failure) {
      dialog.close();
      toasts.fail(failure);
      return;
    }
    ticks.replaceChildren(...this.shots.map((shot, at) => this.tick(shot, at)));
    const start = this.shots.findIndex((one) => one.segment >= segment);
    if (!this.shots.length) said.textContent = "There is nothing to play yet.";
    else this.go(Math.max(0, start));
  }

  make() {
    this.box = h("div", { class: "box" });
    this.said = h("p", { class: "said" }, "");
    this.ticks = h("div", { class: "ticks", role: "group", "aria-label": "Segments" });
    this.button = h("button", { type: "button", class: "play", "aria-label": "Pause", onclick: () => this.toggle() }, icon("pause"));
    this.time = h("span", { class: "muted" }, "");
    const built = this.store.info.build.built?.media;
    const close = h("button", { type: "button", class: "b quiet", onclick: () => this.dialog?.close() }, "Close", kbd("Esc"));
    const line = h("div", { class: "line" }, this.button, this.said, this.time, built ? h("button", { type: "button", class: "b", onclick: () => this.showBuilt(built) }, "The built video") : null, close);
    this.screen = h("div", { class: "screen" }, this.box);
    this.dialog = h("dialog", { class: "theatre", "aria-label": "Play through" }, this.screen, h("div", { class: "under" }, this.ticks, line));
    this.dialog.addEventListener("close", () => this.leave());
    this.dialog.addEventListener("keydown", (event) => this.press(event));
    this.audio.addEventListener("ended", () => this.advance());
    document.body.append(this.dialog);
    this.dialog.showModal();
    return { ticks: this.ticks, said: this.said, dialog: this.dialog };
  }

  /** @param {Shot} shot @param {number} at */
  tick(shot, at) {
    const gap = ![shot.audio, shot.visual].every((one) => one && ["approved", "published"].includes(one.status));
    const made = h("button", { type: "button", class: gap ? "gap" : "", "aria-label": `Segment ${shot.segment}`, tabindex: -1, onclick: () => this.go(at) });
    setStyle(made, { "flex-grow": `${Math.max(shot.duration_sec, 0.5)}` });
    return made;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    /** @type {Record<string, () => void>} */
    const keys = { " ": () => this.toggle(), k: () => this.toggle(), ArrowRight: () => this.go(this.at + 1), ArrowLeft: () => this.go(this.at - 1), p: () => this.dialog?.close() };
    const run = keys[event.key];
    if (!run || (event.key === " " && event.target instanceof HTMLButtonElement && event.target !== this.button)) return;
    event.preventDefault();
    if (!event.repeat) run();
  }

  /** @param {number} at */
  go(at) {
    if (at < 0 || at >= this.shots.length) return;
    this.at = at;
    const shot = this.shots[at];
    this.box?.replaceChildren(this.look(shot));
    [...(this.ticks?.children ?? [])].forEach((one, here) => {
      one.classList.toggle("past", here < at);
      one.classList.toggle("now", here === at);
    });
    if (this.said) this.said.replaceChildren(h("b", null, `${shot.segment} `), shot.text ?? this.store.rows.get(shot.segment)?.shown ?? "");
    this.started = performance.now();
    this.stopped = false;
    clearTimeout(this.clock);
    this.sound(shot);
    this.warm(at + 1);
    this.show();
  }

  /** @param {Shot} shot */
  sound(shot) {
    this.audio.pause();
    if (!shot.audio) {
      this.clock = setTimeout(() => this.advance(), shot.duration_sec * 1000);
      return;
    }
    this.audio.src = shot.audio.media;
    this.audio.play().catch(() => this.show());
  }

  /** @param {number} at */
  warm(at) {
    const shot = this.shots[at];
    if (!shot) return;
    if (shot.audio) this.next.src = shot.audio.media;
    if (shot.visual?.kind === "image") new Image().src = shot.visual.media;
  }

  /** @param {Shot} shot @returns {HTMLElement} */
  look(shot) {
    this.camera = null;
    if (!shot.visual) return h("div", { class: "card" }, h("p", null, shot.text ?? this.store.rows.get(shot.segment)?.shown ?? ""));
    if (shot.visual.kind === "video") {
      const video = h("video", { playsinline: true, loop: true });
      video.muted = true;
      video.src = shot.visual.media;
      if (shot.look === "held") video.addEventListener("loadedmetadata", () => (video.currentTime = Math.max(0, video.duration - 0.04)), { once: true });
      else video.play().catch(() => undefined);
      return video;
    }
    const image = h("img", { alt: `The picture of segment ${shot.segment}`, src: shot.visual.media });
    if (shot.camera && !STILL.matches) {
      const frames = [shot.camera.from, shot.camera.to].map((zoom) => ({ transform: `scale(${1 + NEAREST * zoom})` }));
      const { begun_sec, duration_sec } = shot.camera;
      this.camera = image.animate(frames, { duration: Math.max(1, duration_sec * 1000), delay: -begun_sec * 1000, easing: "cubic-bezier(.37, 0, .63, 1)", fill: "both" });
    }
    return image;
  }

  advance() {
    if (this.at + 1 < this.shots.length) this.go(this.at + 1);
    else this.stop();
  }

  get playing() {
    return !this.stopped;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.resume();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.clock);
    this.audio.pause();
    this.camera?.pause();
    for (const video of this.box?.querySelectorAll("video") ?? []) video.pause();
    this.show();
  }

  resume() {
    if (this.audio.ended || !this.shots[this.at]?.audio) return this.go(this.audio.ended && this.at + 1 >= this.shots.length ? 0 : this.at);
    this.stopped = false;
    this.audio.play().catch(() => this.show());
    this.camera?.play();
    for (const video of this.box?.querySelectorAll("video") ?? []) video.play();
    this.show();
  }

  show() {
    this.button?.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.button?.replaceChildren(icon(this.playing ? "pause" : "play"));
    const shot = this.shots[this.at];
    const last = this.shots.at(-1);
    if (this.time && shot && last) this.time.textContent = `${formatLength(shot.start_sec)} of ${formatLength(last.start_sec + last.duration_sec)}`;
  }

  /** @param {string} built */
  showBuilt(built) {
    this.stop();
    const video = h("video", { controls: true, autoplay: true });
    video.src = built;
    this.box?.replaceChildren(video);
  }

  leave() {
    this.stop();
    this.audio.removeAttribute("src");
    this.dialog?.remove();
    const shot = this.shots[this.at];
    if (shot) this.onleave(shot.segment);
  }
}
