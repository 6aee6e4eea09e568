import { openDialog } from "./dialog.js";
import { h, icon, one } from "./dom.js";
import { count } from "./format.js";
import { tellPulled } from "./pulled.js";
import { toasts } from "./toasts.js";

/** @typedef {import("./jobs.js").Jobs} Jobs */

/** Show running jobs in the bar. @param {Jobs} jobs */
export function showProgress(jobs) {
  const place = one("#jobs");
  if (!place.contains(jobs.place)) place.replaceChildren(jobs.place);
}

/** @param {Jobs} jobs */
function build(jobs) {
  const { gaps, gaps_total } = jobs.store.info.build;
  const SHOWN = 8;
  const list = h("ul", { class: "gaps" }, gaps.slice(0, SHOWN).map((gap) => h("li", null, `${gap.kind} ${gap.segment} ${gap.problem}`)), gaps_total > SHOWN ? h("li", null, `and ${gaps_total - SHOWN} more`) : null);
  const anyway = h("input", { type: "checkbox" });
  const body = gaps.length
    ? [h("p", null, `${count(gaps_total, "asset")} ${gaps_total === 1 ? "is" : "are"} not approved yet:`), list, h("label", { class: "switch" }, anyway, h("span", null, "Build a draft all the same", h("small", null, "It uses what is there. Nobody can publish a draft.")))]
    : [h("p", null, "Everything is approved. The video is built from exactly these bytes.")];
  jobs.ask("build", body, () => (anyway.checked ? { policy: "skip rejected", allow_gaps: true } : {}), () => void jobs.store.refresh());
}

/** @param {Jobs} jobs */
function push(jobs) {
  jobs.ask("push", [h("p", null, "This sends the run's decisions and media to the server that the project names.")], () => ({}), () => void jobs.store.refresh());
}

/** @param {Jobs} jobs */
function pull(jobs) {
  jobs.ask("pull", [h("p", null, "This fetches decisions and media that others have pushed, and merges them.")], () => ({}), (job) => tellPulled(jobs.store, job));
}

/** @param {[string, () => void][]} items */
function more(items) {
  const dialog = openDialog({
    title: "More",
    body: items.map(([text, run]) => {
      const press = () => {
        dialog.close();
        run();
      };
      return h("button", { type: "button", class: "b", onclick: press }, text);
    }),
  });
}

/** Find a segment by its words or its number. @param {import("./store.js").RunStore} store @param {(segment: number) => void} onpick */
function find(store, onpick) {
  const SHOWN = 30;
  const field = h("input", { type: "search", "aria-label": "Words or number of a segment", placeholder: "Words, or a number", autocomplete: "off" });
  const list = h("div", { class: "found" });
  /** @type {Promise<unknown> | null} */
  let reading = null;
  const readAll = () => (reading ??= store.ensureAll());
  const show = async () => {
    await readAll().catch((failure) => toasts.fail(failure));
    const words = field.value.trim().toLowerCase();
    const found = [...store.rows.values()].filter((row) => `${row.segment}` === words || `${row.text}\n${row.shown}`.toLowerCase().includes(words)).sort((a, b) => a.segment - b.segment);
    list.replaceChildren(
      ...found.slice(0, SHOWN).map((row) => {
        const press = () => {
          dialog.close();
          onpick(row.segment);
        };
        return h("button", { type: "button", class: "hit", onclick: press }, h("b", null, `${row.segment}`), h("span", { class: "serif" }, row.shown));
      }),
      ...(found.length ? [] : [h("p", { class: "muted" }, "No segment has these words.")]),
    );
  };
  field.addEventListener("input", show);
  const dialog = openDialog({
    title: "Find a segment",
    class: "find",
    body: [field, list],
    onsubmit: () => /** @type {HTMLElement | null} */ (list.querySelector("button"))?.click(),
  });
  field.focus();
  show();
}

/** @param {Jobs} jobs @param {HTMLElement} _at */
export function openRunMenu(jobs, _at) {
  const run = encodeURIComponent(jobs.store.runId);
  const dialog = openDialog({
    title: jobs.store.info.title || jobs.store.runId,
    class: "menu",
    body: [
      item("build", "Build the video…", () => build(jobs)),
      item("push", "Push…", () => push(jobs)),
      item("pull", "Pull…", () => pull(jobs)),
      h("a", { class: "b", href: `/runs/${run}` }, icon("rows"), "All segments"),
      h("a", { class: "b", href: `/runs/${run}/audit` }, icon("stale"), "Time line and cost"),
    ],
  });
  /** @param {string} name @param {string} text @param {() => void} act */
  function item(name, text, act) {
    const press = () => {
      dialog.close();
      act();
    };
    return h("button", { type: "button", class: "b", onclick: press }, icon(name), text);
  }
}
openRunMenu.build = build;
openRunMenu.push = push;
openRunMenu.pull = pull;
openRunMenu.find = find;
openRunMenu.more = more;
