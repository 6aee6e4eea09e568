import WaveSurfer from "../vendor/wavesurfer.esm.js";
import { h, icon, one, setStyle } from "./dom.js";
import { formatTime } from "./format.js";
import { readPeaks, reduce } from "./peaks.js";

/**
 * @typedef {object} Voice One take of a narration.
 * @property {string} media
 * @property {string | null} peaks
 * @property {number | null} duration_sec
 * @property {[string, number, number][] | null} [words]
 */

const RATES = [1, 1.5, 2, 4];
const USUAL_FRAME_RATE = 25;
const FADE_SEC = 0.012;

/** The narration under the stage: one player, several takes of which one is heard, all at the loudness of the quietest. */
export class Sound extends EventTarget {
  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.root = root;
    this.button = one(".play", root);
    this.wave = one(".wave", root);
    this.now = one(".time b", root);
    this.length = one(".time .of", root);
    /** @type {Voice[]} */
    this.voices = [];
    /** @type {HTMLAudioElement[]} */
    this.players = [];
    this.at = 0;
    /** @type {[number | null, number | null]} What I and O have marked. */
    this.marked = [null, null];
    /** @type {WaveSurfer | null} */
    this.surfer = null;
    /** @type {Map<string, HTMLAudioElement>} */
    this.cache = new Map();
    this.rate = 0;
    /** Backwards no browser plays: the time is set frame by frame, without sound. */
    this.backwards = false;
    this.atFrame = 0;
    this.button.addEventListener("click", () => this.toggle());
    this.tick = this.tick.bind(this);
    document.addEventListener("themechange", () => this.paint());
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.paint());
  }

  get player() {
    return this.players[this.at] ?? null;
  }

  get duration() {
    return this.voices[this.at]?.duration_sec || this.player?.duration || 0;
  }

  get time() {
    return this.player?.currentTime ?? 0;
  }

  get speed() {
    return RATES[this.rate];
  }

  get playing() {
    return !!this.player && (this.backwards || !this.player.paused);
  }

  /** Have a narration at hand before it is asked for. @param {string | null} media */
  prepare(media) {
    if (!media) return null;
    let found = this.cache.get(media);
    if (!found) {
      found = new Audio();
      found.preload = "auto";
      found.src = media;
    }
    this.cache.delete(media);
    this.cache.set(media, found);
    if (this.cache.size > 12) this.evict();
    return found;
  }

  evict() {
    for (const [media, player] of this.cache) {
      if (this.players.includes(player)) continue;
      player.removeAttribute("src");
      this.cache.delete(media);
      return;
    }
  }

  /** @param {Voice[]} voices @param {number} at @param {{play?: boolean, keep?: boolean}} [how] */
  load(voices, at, { play = false } = {}) {
    const same = voices.length > 0 && voices.length === this.voices.length && voices.every((one, here) => one.media === this.voices[here].media);
    if (same) {
      for (const [here, { words }] of voices.entries()) this.voices[here].words = words;
      this.switchTo(at);
      if (play && !this.playing) this.play();
      return;
    }
    this.pause();
    this.voices = voices;
    this.players = voices.map((one) => /** @type {HTMLAudioElement} */ (this.prepare(one.media)));
    this.at = at;
    this.marked = [null, null];
    this.level(voices);
    if (this.player) this.player.currentTime = 0;
    this.draw();
    this.show();
    if (play) this.play();
    this.dispatchEvent(new Event("load"));
  }

  /** Turn every take down to the quietest, so that none wins by being loud and none is clipped. */
  /** @param {Voice[]} voices */
  async level(voices) {
    for (const player of this.players) {
      player.volume = 1;
      player.playbackRate = this.speed;
    }
    if (voices.length < 2) return;
    const read = voices.map((one) => (one.peaks ? readPeaks(one.peaks).then((data) => data.loudness_lufs ?? null, () => null) : null));
    const loudness = await Promise.all(read);
    if (voices !== this.voices) return;
    const quietest = Math.min(...loudness.map((one) => one ?? Infinity));
    this.players.forEach((player, here) => {
      const own = loudness[here];
      player.volume = own === null ? 1 : 10 ** ((quietest - own) / 20);
    });
    this.root.dataset.gains = loudness.map((own) => (own === null ? 0 : quietest - own)).join(" ");
    this.root.dataset.level = "true";
  }

  /** Hear another take from the same moment on. @param {number} at */
  switchTo(at) {
    if (at === this.at || !this.players[at]) return;
    const before = this.player;
    const playing = this.playing && !this.backwards;
    const after = this.players[at];
    const time = Math.min(this.time, Math.max(0, (this.voices[at].duration_sec ?? Infinity) - 0.02));
    this.at = at;
    after.currentTime = time;
    if (playing) after.play().then(() => fadeOut(before), () => before?.pause());
    else before?.pause();
    this.draw();
    this.dispatchEvent(new Event("switch"));
  }

  draw() {
    const voice = this.voices[this.at];
    this.button.toggleAttribute("disabled", !voice);
    this.wave.hidden = !voice;
    one(".nothing", this.root).hidden = !!voice;
    if (!voice) return;
    const surfer = (this.surfer ??= this.make());
    const player = /** @type {HTMLAudioElement} */ (this.player);
    surfer.setMediaElement(player);
    const flat = () => surfer.load(player.src, [[0, 0]], voice.duration_sec ?? 1);
    const loaded = voice.peaks ? readPeaks(voice.peaks).then((data) => this.place(player, voice, reduce(data, 900))) : flat();
    loaded.catch(() => undefined);
  }

  /** @param {HTMLAudioElement} player @param {Voice} voice @param {number[]} heights */
  async place(player, voice, heights) {
    if (this.player !== player || !this.surfer) return;
    await this.surfer.load(player.src, [heights], voice.duration_sec ?? 1);
    this.wave.dataset.drawn = "true";
  }

  make() {
    const surfer = WaveSurfer.create({
      container: this.wave,
      media: /** @type {HTMLAudioElement} */ (this.player),
      height: this.wave.clientHeight || 44,
      barWidth: 3,
      barGap: 2,
      barRadius: 2,
      barMinHeight: 2,
      cursorWidth: 2,
      dragToSeek: true,
      hideScrollbar: true,
      autoScroll: false,
      cspNonce: document.querySelector('meta[name="csp-nonce"]')?.getAttribute("content") ?? "",
      ...colours(),
    });
    surfer.on("interaction", (time) => this.seek(time));
    surfer.on("error", () => undefined);
    return surfer;
  }

  paint() {
    this.surfer?.setOptions(colours());
  }

  toggle() {
    this.rate = 0;
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    const player = this.player;
    if (!player) return;
    this.backwards = false;
    if (player.ended || this.time >= this.duration - 0.03) player.currentTime = this.marked[0] ?? 0;
    player.playbackRate = this.speed;
    player.play().then(
      () => this.tick(),
      () => this.show(),
    );
    this.show();
  }

  pause() {
    this.backwards = false;
    for (const player of this.players) player.pause();
    this.show();
  }

  /** L and J: play in a direction, and each further time faster. @param {{backwards: boolean}} direction */
  shuttle({ backwards }) {
    if (!this.player) return;
    const again = this.playing && this.backwards === backwards;
    this.rate = again ? Math.min(this.rate + 1, RATES.length - 1) : 0;
    if (backwards) this.rewind();
    else this.play();
  }

  rewind() {
    const already = this.backwards;
    this.pause();
    this.backwards = this.time > 0;
    if (this.backwards && !already) {
      this.atFrame = performance.now();
      requestAnimationFrame(this.tick);
    }
    this.show();
  }

  /** Go back by the time that has passed, at the rate that is set. */
  stepBack() {
    const now = performance.now();
    const passed = (now - this.atFrame) / 1000;
    this.atFrame = now;
    const player = /** @type {HTMLAudioElement} */ (this.player);
    player.currentTime = Math.max(0, player.currentTime - passed * this.speed);
    if (player.currentTime === 0) this.backwards = false;
  }

  /** @param {number} time */
  seek(time) {
    if (!this.player) return;
    this.player.currentTime = Math.max(0, Math.min(time, this.duration));
    this.show();
  }

  /** @param {number} steps @param {number} [rate] Frames a second. */
  step(steps, rate = USUAL_FRAME_RATE) {
    this.pause();
    this.seek(this.time + steps / rate);
  }

  /** @param {0 | 1} end @param {number} [time] */
  mark(end, time = this.time) {
    this.marked[end] = time;
    const [start, stop] = this.marked;
    if (start !== null && stop !== null && stop < start) this.marked[end === 0 ? 1 : 0] = null;
    this.dispatchEvent(new Event("mark"));
  }

  clearMarks() {
    this.marked = [null, null];
    this.dispatchEvent(new Event("mark"));
  }

  tick() {
    if (this.backwards) this.stepBack();
    this.show();
    if (this.player?.ended) this.dispatchEvent(new Event("ended"));
    if (this.playing) requestAnimationFrame(this.tick);
  }

  sayRate() {
    if (this.backwards) return `−${this.speed}×, `;
    return this.rate ? `${this.speed}×, ` : "";
  }

  show() {
    const playing = this.playing;
    if (this.button.dataset.shown !== `${playing}`) {
      this.button.dataset.shown = `${playing}`;
      this.button.setAttribute("aria-label", playing ? "Pause" : "Play");
      this.button.replaceChildren(icon(playing ? "pause" : "play"));
    }
    this.now.textContent = formatTime(this.time);
    this.length.textContent = `${this.sayRate()}of ${formatTime(this.duration)}`;
    this.dispatchEvent(new Event("time"));
  }
}

/** @param {HTMLAudioElement | null} player */
function fadeOut(player) {
  if (!player) return;
  setTimeout(() => player.pause(), FADE_SEC * 1000);
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return { waveColor: read("--wave"), progressColor: read("--accent"), cursorColor: read("--text") };
}

/**
 * A range on a bar, from what share to what share.
 *
 * @param {string} name
 * @param {[number, number]} range
 * @param {number} duration
 */
export function rangeOn(name, [start, end], duration) {
  const made = h("span", { class: `range ${name}` });
  setStyle(made, { left: `${(100 * start) / duration}%`, width: `${(100 * (end - start)) / duration}%` });
  return made;
}
