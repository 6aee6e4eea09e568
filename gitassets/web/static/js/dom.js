/** Make elements. Text is always text: nothing here parses HTML. */

import { parseJson } from "./plain.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Props
 */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props | null} [props] `on…` are listeners, `class`, `data` and `style` are what they say, the rest attributes.
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) setProp(made, name, value);
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false).map(String_));
  return made;
}

/** @param {Child} child */
function String_(child) {
  return child instanceof Node ? child : String(child);
}

/**
 * @param {HTMLElement} made
 * @param {string} name
 * @param {unknown} value
 */
function setProp(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) made.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
  else if (name === "class") made.className = String(value);
  else if (name === "data") Object.assign(made.dataset, value);
  else if (name === "style") setStyle(made, /** @type {Record<string, string>} */ (value));
  else if (name === "value" && made instanceof HTMLInputElement) made.value = String(value);
  else made.setAttribute(name, value === true ? "" : String(value));
}

/**
 * Set styles through the object model, which a strict content security policy allows.
 *
 * @param {HTMLElement | SVGElement} made
 * @param {Record<string, string>} styles
 */
export function setStyle(made, styles) {
  for (const [name, value] of Object.entries(styles)) made.style.setProperty(name, value);
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...SVGElement} children
 */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** @type {Record<string, string>} One shape for each status and mark, readable at 14 px without colour. */
const SHAPES = {
  approved: "M3 8.5l3.2 3.2L13 4.8",
  rejected: "M4 4l8 8M12 4l-8 8",
  review: "M8 2.8v6.4M8 12.7v.1",
  revised: "M12.8 8A4.8 4.8 0 1 1 11 4.3M11.3 1.6v3h-3",
  draft: "M4 8h8",
  published: "M3 12.5h10M8 10V3M4.8 6L8 2.8 11.2 6",
  stale: "M8 4.6V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  altered: "M8 2.2L14.3 13H1.7zM8 6.4v3M8 11.2v.1",
  conflict: "M2.5 5h8L8.3 2.8M13.5 11h-8l2.2 2.2",
  missing: "M3.5 3.5l9 9M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  noted: "M2.5 3.5h11v7.5H7L4 13.5V11H2.5z",
  candidates: "M2.5 5.5h8v8h-8zM5.5 5.5v-3h8v8h-3",
  play: "M5 3l8 5-8 5z",
  pause: "M5 3v10M11 3v10",
  close: "M4 4l8 8M12 4l-8 8",
  help: "M5.8 6.2a2.3 2.3 0 1 1 3.2 2.2c-.7.3-1 .7-1 1.4M8 12.2v.1",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.2v1.4M8 13.4v1.4M1.2 8h1.4M13.4 8h1.4M3.2 3.2l1 1M11.8 11.8l1 1M3.2 12.8l1-1M11.8 4.2l1-1",
  more: "M3.5 8v.1M8 8v.1M12.5 8v.1",
  down: "M4 6l4 4 4-4",
  push: "M8 12V3M4.5 6.5L8 3l3.5 3.5M3 14h10",
  pull: "M8 3v9M4.5 8.5L8 12l3.5-3.5M3 14h10",
  build: "M2.5 4h11v8h-11zM6.5 6.3v3.4L9.6 8z",
  rows: "M2.5 4h11M2.5 8h11M2.5 12h11",
  sheet: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  audio: "M3 6.5v3M6.3 4v8M9.7 2.5v11M13 6v4",
  image: "M2.5 3h11v10h-11zM2.5 11l3.5-3.5 3 3 2-2 2.5 2.5M10.5 6v.1",
  video: "M2.5 4h7.5v8H2.5zM10 7l3.5-2v6L10 9z",
};

/**
 * @param {string} name
 * @param {string} [label] Without one the shape is decoration.
 */
export function icon(name, label) {
  const made = svg("svg", { viewBox: "0 0 16 16", class: "mark", ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }) });
  made.append(svg("path", { d: SHAPES[name] ?? SHAPES.draft }));
  return made;
}

/** @param {string} name @param {string} [word] */
export function status(name, word) {
  return h("span", { class: `st st-${name}` }, icon(name), word ?? name);
}

/** @param {string} name A status or a flag, as a shape with its word for those who cannot see it. */
export function mark(name) {
  const made = icon(name, name);
  made.classList.add(`st-${name}`);
  return made;
}

/** What stands between backticks in a message of the command line is a command. @param {string} text */
export function withCode(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", null, part) : part));
}

/** @param {string} key */
export function kbd(key) {
  return h("kbd", { "aria-hidden": "true" }, key);
}

/**
 * @template {HTMLElement} T
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {T}
 */
export function one(selector, root = document) {
  const found = /** @type {T | null} */ (root.querySelector(selector));
  if (!found) throw new Error(`The page has no ${selector}`);
  return found;
}

/** @returns {any} What the server has embedded in the page. */
export function readData() {
  const found = document.getElementById("data");
  return found?.textContent ? parseJson(found.textContent) : {};
}
