import { ApiError, post, upload } from "./api.js";
import { formatRanges } from "./format.js";
import { keyOf } from "./store.js";
import { toasts } from "./toasts.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Action} Action
 * @typedef {import("./types.js").Status} Status
 */

/** @type {Record<Action, {status: Status, done: string, mark: string}>} */
const ACTIONS = {
  approve: { status: "approved", done: "Approved", mark: "approved" },
  reject: { status: "rejected", done: "Rejected", mark: "rejected" },
  reopen: { status: "review", done: "Reopened", mark: "review" },
};

/** @param {Entry[]} entries As in "image 3, audio 2-5". */
export function nameAll(entries) {
  /** @type {Map<string, number[]>} */
  const kinds = new Map();
  for (const { kind, segment } of entries) kinds.set(kind, [...(kinds.get(kind) ?? []), segment]);
  return [...kinds].map(([kind, numbers]) => `${kind} ${formatRanges(numbers.sort((a, b) => a - b))}`).join(", ");
}

/**
 * @typedef {object} Made A decision that was made here and can be undone.
 * @property {Entry[]} entries
 * @property {Status[]} before
 * @property {Promise<string | null>} undo
 */

/**
 * Decide at once on the screen, then on the server, one decision after the other. What the server refuses goes back.
 */
export class Decider {
  /**
   * @param {import("./store.js").RunStore} store
   * @param {(entries: Entry[], failure: ApiError) => void} onrefused
   * @param {(entry: Entry) => void} [onundone]
   */
  constructor(store, onrefused, onundone = () => undefined) {
    this.onundone = onundone;
    this.store = store;
    this.onrefused = onrefused;
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
    this.waiting = 0;
    /** @type {Made[]} */
    this.made = [];
    addEventListener("beforeunload", (event) => this.waiting > 0 && event.preventDefault());
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  enqueue(work) {
    this.waiting += 1;
    const next = this.queue.then(work).finally(() => {
      this.waiting -= 1;
    });
    this.queue = next.catch(() => undefined);
    return next;
  }

  /** Change the run in another way, after the decisions before it. @param {string} path @param {unknown} body */
  async send(path, body) {
    const answer = await this.enqueue(() => post(this.store.path(path), body));
    this.accept(answer);
    return answer;
  }

  /** Take a file as the new take of the asset that is seen. @param {Entry} entry @param {File} file */
  async replace(entry, file) {
    const md5 = this.store.asset(entry)?.md5 ?? entry.md5;
    const query = new URLSearchParams({ segment: `${entry.segment}`, kind: entry.kind, md5 });
    const before = [entry.status];
    const answer = this.enqueue(() => upload(this.store.path(`/replace?${query}`), file));
    const made = { entries: [entry], before, undo: answer.then((one) => one.undo ?? null, () => null) };
    const end = toasts.show(`Sending ${file.name}…`, { keep: true });
    try {
      this.accept(await answer);
      this.made.push(made);
      toasts.show(`Replaced ${nameAll([entry])} by ${file.name}`, { mark: "revised", offers: [{ label: "Undo", key: "U", run: () => this.undo(made) }] });
    } catch (failure) {
      end();
      if (failure instanceof ApiError && failure.kind === "changed") this.store.putAssets(failure.body.assets ?? []);
      toasts.fail(failure);
    }
  }

  /** @param {Action} action @param {Entry[]} entries @param {string} [reason] */
  decide(action, entries, reason) {
    const { status, done, mark } = ACTIONS[action];
    const before = entries.map((one) => one.status);
    const seen = entries.map((one) => ({ segment: one.segment, kind: one.kind, md5: this.store.asset(one)?.md5 ?? one.md5 }));
    this.store.setStatus(entries, status);
    const answer = this.enqueue(() => post(this.store.path("/decide"), { action, assets: seen, ...(reason ? { reason } : {}) }));
    const made = { entries, before, undo: answer.then((one) => one.undo ?? null, () => null) };
    this.made.push(made);
    const end = toasts.show(`${done} ${nameAll(entries)}`, { mark, offers: [{ label: "Undo", key: "U", run: () => this.undo(made) }] });
    answer.then((one) => this.accept(one), (failure) => this.refuse(made, failure, end));
    return answer;
  }

  /** @param {import("./types.js").Decided} answer */
  accept(answer) {
    this.store.info.head = answer.head ?? this.store.info.head;
    const notes = Object.entries(answer.notes ?? {});
    for (const [segment, text] of notes) {
      const row = this.store.rows.get(Number(segment));
      if (row) row.notes = text;
    }
    this.store.putAssets(answer.assets ?? []);
  }

  /** @param {Made} made @param {unknown} failure @param {() => void} end */
  refuse(made, failure, end) {
    end();
    this.drop(made);
    made.entries.forEach((entry, at) => this.store.setStatus([entry], made.before[at]));
    if (failure instanceof ApiError && failure.kind === "changed") this.store.putAssets(failure.body.assets ?? []);
    this.onrefused(made.entries, /** @type {ApiError} */ (failure));
    toasts.fail(failure);
  }

  /** @param {Made} made */
  drop(made) {
    this.made = this.made.filter((one) => one !== made);
  }

  /** Take back a decision, the last one if none is named. @param {Made} [made] */
  async undo(made = this.made.at(-1)) {
    if (!made) {
      toasts.show("There is nothing to undo here");
      return;
    }
    this.drop(made);
    const now = made.entries.map((one) => one.status);
    made.entries.forEach((entry, at) => this.store.setStatus([entry], made.before[at]));
    toasts.show(`Undone: ${nameAll(made.entries)}`, { mark: "revised" });
    this.onundone(made.entries[0]);
    try {
      const token = await made.undo;
      if (token) await this.send("/undo", { undo: token });
    } catch (failure) {
      made.entries.forEach((entry, at) => this.store.setStatus([entry], now[at]));
      toasts.fail(failure);
    }
  }
}

/** @param {Entry[]} entries */
export const keysOf = (entries) => entries.map(keyOf);
