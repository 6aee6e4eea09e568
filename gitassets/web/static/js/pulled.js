import { openDialog } from "./dialog.js";
import { h, mark, withCode } from "./dom.js";
import { toasts } from "./toasts.js";

/**
 * @typedef {import("./types.js").Job} Job
 * @typedef {{segment: number, kind: string | null, sides: string[]}} Dispute
 */

/** Say how a pull ended and what is to be done next. @param {import("./store.js").RunStore} store @param {Job} job */
export function tellPulled(store, job) {
  if (job.state === "failed") showFailure(job);
  else if (job.result?.merging) showDisputes(store.runId, job.result.disputes);
  else toasts.show(job.result?.changed === false ? "Nothing new on the server" : "Pulled", { mark: "approved" });
  return true;
}

/** @param {Job} job */
function showFailure({ text, hint }) {
  const dialog = openDialog({
    title: "The pull changed nothing",
    class: "told",
    body: [h("p", null, withCode(text ?? "It failed.")), hint ? h("p", { class: "muted" }, withCode(hint)) : null],
    foot: [h("button", { type: "button", class: "b primary", autofocus: true, onclick: () => dialog.close() }, "Close")],
  });
}

/** @param {string} runId @param {Dispute[]} disputes */
function showDisputes(runId, disputes) {
  const [first] = disputes;
  const dialog = openDialog({
    title: "Pulled, and others decided differently",
    lead: "Both decisions are kept until somebody settles them. Settle each of these; the last one completes the merge.",
    class: "told",
    body: [h("ul", { class: "disputes" }, disputes.map((one) => line(runId, one)))],
    foot: [
      h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Later"),
      first ? h("a", { class: "b primary", href: place(runId, first), onclick: () => dialog.close() }, "Settle the first") : null,
    ],
  });
}

/** @param {string} runId @param {Dispute} dispute */
const place = (runId, { segment, kind }) => `/runs/${encodeURIComponent(runId)}/review#${segment}/${kind ?? "audio"}`;

/** @param {string} runId @param {Dispute} dispute */
function line(runId, dispute) {
  const named = h("a", { href: place(runId, dispute) }, dispute.kind ? `${dispute.kind} ${dispute.segment}` : `the text of segment ${dispute.segment}`);
  return h("li", null, mark("conflict"), h("div", null, named, dispute.sides.map((side) => h("small", null, side))));
}
