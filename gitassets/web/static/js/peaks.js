import { get } from "./api.js";
import { svg } from "./dom.js";

/** @typedef {{rate: number, peaks: number[], loudness_lufs?: number | null}} Peaks Pairs of the lowest and highest sample, −128 … 127. */

/** @type {Map<string, Promise<Peaks>>} By URL; it names the bytes, so nothing here ever changes. */
const known = new Map();
const KEPT = 400;

/** @param {string} url @returns {Promise<Peaks>} */
export function readPeaks(url) {
  let found = known.get(url);
  if (!found) {
    found = get(url);
    found.catch(() => known.delete(url));
    known.set(url, found);
    if (known.size > KEPT) known.delete(/** @type {string} */ (known.keys().next().value));
  }
  return found;
}

/**
 * Reduce peaks to `bars` heights from 0 to 1.
 *
 * @param {Peaks} data
 * @param {number} bars
 */
export function reduce({ peaks }, bars) {
  const pairs = peaks.length / 2;
  const heights = new Array(bars).fill(0);
  for (let bar = 0; bar < bars; bar += 1) {
    const end = Math.max(Math.floor(((bar + 1) * pairs) / bars), Math.floor((bar * pairs) / bars) + 1);
    for (let at = Math.floor((bar * pairs) / bars); at < end && at < pairs; at += 1) {
      heights[bar] = Math.max(heights[bar], Math.abs(peaks[2 * at]) / 128, Math.abs(peaks[2 * at + 1]) / 127);
    }
  }
  const loudest = Math.max(...heights, 0.02);
  return heights.map((one) => one / loudest);
}

const AT_ONCE = 2;
/** @type {(() => Promise<unknown>)[]} The last one that was asked for is the first, since it is on screen. */
const waiting = [];
let running = 0;

/** Browsers have few connections to a server: what is judged must not wait for the waveforms of lists. */
async function work() {
  if (running >= AT_ONCE) return;
  running += 1;
  for (let next = waiting.pop(); next; next = waiting.pop()) await next();
  running -= 1;
}

/** @param {SVGElement} made @param {string} url @param {(data: Peaks) => void} draw */
function fillLater(made, url, draw) {
  const fill = () => readPeaks(url).then(draw, () => undefined);
  if (known.has(url)) return void fill();
  waiting.push(() => (made.isConnected ? fill() : Promise.resolve()));
  setTimeout(work);
}

/**
 * Draw a waveform for a list: one path, filled in when the peaks have come. It has its size from the start.
 *
 * @param {string | null} url
 * @param {number} [bars]
 */
export function drawPeaks(url, bars = 48) {
  const path = svg("path", { d: `M0 8H${bars}` });
  const made = svg("svg", { viewBox: `0 0 ${bars} 16`, preserveAspectRatio: "none", class: "peaks", "aria-hidden": "true" }, path);
  if (url) fillLater(made, url, (data) => path.setAttribute("d", format(reduce(data, bars))));
  return made;
}

/** @param {number[]} heights */
export function format(heights) {
  return heights.map((one, at) => `M${at + 0.5} ${(8 - Math.max(0.5, one * 7.5)).toFixed(1)}v${(Math.max(0.5, one * 7.5) * 2).toFixed(1)}`).join("");
}
