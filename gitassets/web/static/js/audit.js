import { get, runPath } from "./api.js";
import { h, icon, one, readData, svg } from "./dom.js";
import { formatCost, formatRanges, formatWhen } from "./format.js";
import { openHelp } from "./help.js";
import { bindKeys } from "./keys.js";
import { coalesce, listen } from "./live.js";
import { turnTheme } from "./prefs.js";
import { toasts } from "./toasts.js";

/**
 * @typedef {object} Change
 * @property {number} segment
 * @property {string} kind
 * @property {string} before
 * @property {string} after
 * @property {number[]} takes
 *
 * @typedef {object} LogLine
 * @property {string} commit
 * @property {string} when
 * @property {string} by
 * @property {string | null} [reviewed_by]
 * @property {string} action
 * @property {string} summary
 * @property {string} words
 * @property {Change[]} changes
 * @property {number[]} [segments]
 * @property {boolean} by_hand
 */

/** @type {Record<string, string>} */
const MARKS = { approve: "approved", reject: "rejected", reopen: "review", review: "review", regen: "revised", produce: "draft", publish: "published", note: "noted", build: "build", choose: "candidates", replace: "revised", upgrade: "pull", track: "pull" };
const SHOWN_LINKS = 16;
const PAGE = 100;

const data = readData();
/** @type {LogLine[]} */
let entries = data.entries ?? [];
const list = one("#time-line");

/** @param {number[]} takes */
function nameTakes(takes) {
  if (!takes.length) return "";
  return takes.length === 1 ? `, take ${takes[0]}` : `, takes ${formatRanges(takes)}`;
}

/** @param {LogLine} entry */
function line(entry) {
  const alone = entry.changes.length ? [] : (entry.segments ?? []);
  const named = alone.slice(0, SHOWN_LINKS).map((segment) => h("a", { class: "chip", href: `/runs/${encodeURIComponent(data.run_id)}/review#${segment}` }, `segment ${segment}`));
  const links = entry.changes.slice(0, SHOWN_LINKS).map((change) =>
    h("a", { class: "chip", href: `/runs/${encodeURIComponent(data.run_id)}/review#${change.segment}/${change.kind}${change.takes.length ? `/${change.takes[0]}` : ""}` }, icon(change.after, change.after), `${change.kind} ${change.segment}${nameTakes(change.takes)}`),
  );
  const rest = Math.max(entry.changes.length, alone.length) - SHOWN_LINKS;
  const shape = icon(MARKS[entry.action] ?? "draft");
  shape.classList.add(`st-${MARKS[entry.action] ?? "draft"}`);
  return h(
    "li",
    null,
    shape,
    h(
      "div",
      null,
      h("h2", null, entry.summary || entry.action),
      entry.words && h("blockquote", null, entry.words),
      h("small", null, h("span", null, entry.reviewed_by ? [h("bdi", null, entry.reviewed_by), ", recorded by "] : [], h("bdi", null, entry.by)), h("time", { datetime: entry.when, title: entry.when }, formatWhen(entry.when)), h("code", null, entry.commit.slice(0, 8)), entry.by_hand && h("span", null, "by hand")),
      links.length + named.length ? h("div", { class: "links" }, links, named, rest > 0 && h("span", { class: "muted" }, `and ${rest} more`)) : null,
    ),
  );
}

function show() {
  list.replaceChildren(...entries.map(line));
  one("#none").hidden = entries.length > 0;
  one("#earlier").hidden = !data.more;
}

async function readEarlier() {
  try {
    const answer = await get(runPath(data.run_id, `/audit?before=${entries.at(-1)?.commit}&count=${PAGE}`));
    entries = [...entries, ...answer.entries];
    data.more = answer.more;
    show();
  } catch (failure) {
    toasts.fail(failure);
  }
}

const refresh = coalesce(async () => {
  const answer = await get(runPath(data.run_id, `/audit?count=${Math.max(PAGE, entries.length)}`));
  entries = answer.entries;
  data.more = answer.more;
  show();
  data.cost = await get(runPath(data.run_id, "/cost"));
  showCost();
});

function showCost() {
  const { cost } = data;
  /** @type {{kind: string, provider: string, cost_usd: number, takes: number}[]} */
  const lines = (cost.runs ?? []).flatMap((/** @type {any} */ run) => run.rows);
  const wasted = cost.wasted_usd > 0 && h("p", { class: "muted" }, `${formatCost(cost.wasted_usd)} of it went into takes that were rejected or replaced.`);
  const pending = cost.pending_usd > 0 && h("p", { class: "muted" }, `${formatCost(cost.pending_usd)} more is ordered.`);
  one("#cost").replaceChildren(h("h2", null, "Cost"), h("p", { class: "sum" }, formatCost(cost.total_usd) || "$0.00"), ...chart(cost.runs?.[0]?.points ?? []), bars(lines, cost.total_usd), ...[wasted, pending].filter((one) => one instanceof Node));
}

/** What was spent, over time. @param {{when: string, total_usd: number}[]} points */
function chart(points) {
  if (points.length < 2) return [];
  const times = points.map((one) => Date.parse(one.when));
  const [start, end] = [Math.min(...times), Math.max(...times)];
  const most = Math.max(...points.map((one) => one.total_usd), 0.01);
  const path = points.map((one, at) => `${at ? "L" : "M"}${((300 * (times[at] - start)) / Math.max(1, end - start)).toFixed(1)} ${(100 - (96 * one.total_usd) / most).toFixed(1)}`).join("");
  return [svg("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", class: "chart", role: "img", "aria-label": `Cost over time, up to ${formatCost(most)}` }, svg("path", { class: "area", d: `${path}V100H0z` }), svg("path", { class: "line", d: path }), svg("path", { class: "axis", d: "M0 100H300" }))];
}

/** @param {{kind: string, provider: string, cost_usd: number, takes: number}[]} lines @param {number} total */
function bars(lines, total) {
  if (!lines.length || !total) return h("p", { class: "muted" }, "Nothing was bought for this run.");
  return h(
    "div",
    { class: "bars" },
    lines.map((one) => {
      const bar = svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "track", width: 100, height: 8 }), svg("rect", { width: (100 * one.cost_usd) / total, height: 8 }));
      return h("div", null, h("span", null, `${one.kind}, ${one.provider}`), bar, h("b", null, formatCost(one.cost_usd)));
    }),
  );
}

/** @type {import("./keys.js").Binding[]} */
const keys = [{ keys: "?", what: "This help", run: () => openHelp(keys) }];
bindKeys(keys);
one("#theme").addEventListener("click", turnTheme);
one("#help").addEventListener("click", () => openHelp(keys));
one("#earlier").addEventListener("click", readEarlier);
listen(data.run_id, { head: ({ head }) => head !== data.head && ((data.head = head), refresh().catch((failure) => toasts.fail(failure))) });
show();
showCost();
