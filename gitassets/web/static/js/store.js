import { get, runPath } from "./api.js";

/**
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Row} Row
 * @typedef {import("./types.js").Kind} Kind
 * @typedef {import("./types.js").Asset} Asset
 * @typedef {import("./types.js").Detail} Detail
 * @typedef {import("./types.js").RunInfo} RunInfo
 */

export const KINDS = /** @type {Kind[]} */ (["audio", "image", "video"]);
const WINDOW = 60;
const KEPT_DETAILS = 60;
/** @type {Record<string, string>} The letters of the compact index. */
const MARKS = { s: "stale", c: "conflict", t: "candidates", a: "altered", m: "missing", n: "noted" };

/** @param {{segment: number, kind: Kind}} one */
export const keyOf = ({ segment, kind }) => `${segment}/${kind}`;

/** Lists name bytes by the first eight characters of their hash. @param {string} one @param {string} other */
export function sameBytes(one, other) {
  return one.startsWith(other) || other.startsWith(one);
}

/** @param {Entry} entry */
export function needsDecision({ status, flags }) {
  return ["draft", "review", "revised"].includes(status) || flags.includes("conflict");
}

/** @param {Asset} asset @returns {Entry} */
export function toEntry(asset) {
  /** @type {[string, unknown][]} */
  const marks = [
    ["stale", asset.stale],
    ["altered", asset.altered],
    ["conflict", asset.conflict?.length],
    ["missing", asset.present === false],
    ["candidates", asset.takes > 1],
  ];
  const flags = marks.filter(([, is]) => is).map(([name]) => name);
  return { segment: asset.segment, kind: asset.kind, status: asset.status, md5: asset.md5, flags, duration_sec: asset.duration_sec };
}

/** What this page knows of a run. It says "change" with the keys of the assets that changed. */
export class RunStore extends EventTarget {
  /** @param {RunInfo} info */
  constructor(info) {
    super();
    this.info = info;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Map<string, Entry>} */
    this.byKey = new Map();
    /** @type {number[]} */
    this.segments = [];
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Map<string, Promise<Detail>>} */
    this.details = new Map();
    /** @type {Map<string, Detail>} */
    this.ready = new Map();
    /** @type {Set<number>} */
    this.asked = new Set();
    this.putRows(info.rows ?? []);
    if (info.index) this.putIndex(info.index);
  }

  get runId() {
    return this.info.run_id;
  }

  /** @param {string} rest */
  path(rest) {
    return runPath(this.runId, rest);
  }

  /** Read all assets in short: [segment, kind, status, md5, flags, duration]. */
  async loadIndex() {
    this.putIndex((await get(this.path("/index"))).rows);
  }

  /** @param {import("./types.js").IndexLine[]} lines */
  putIndex(lines) {
    this.entries = lines.map(([segment, kind, status, md5, marks, duration_sec]) => ({
      segment,
      kind,
      status,
      md5,
      flags: [...(marks ?? "")].map((letter) => MARKS[letter] ?? letter),
      duration_sec,
    }));
    this.order();
  }

  order() {
    const rank = { audio: 0, image: 1, video: 2 };
    this.entries.sort((a, b) => a.segment - b.segment || rank[a.kind] - rank[b.kind]);
    this.byKey = new Map(this.entries.map((one) => [keyOf(one), one]));
    const known = new Set([...this.entries.map((one) => one.segment), ...(this.info.bare ?? []), ...this.rows.keys()]);
    this.segments = [...known].sort((a, b) => a - b);
    this.position = new Map(this.segments.map((segment, at) => [segment, at]));
    this.putRows([...this.rows.values()]);
  }

  /** @param {Row[]} rows */
  putRows(rows) {
    for (const row of rows) {
      this.rows.set(row.segment, row);
      for (const asset of Object.values(row.assets)) {
        const known = asset && this.byKey.get(keyOf(asset));
        if (known && sameBytes(asset.md5, known.md5)) known.flags = [...toEntry(asset).flags, ...known.flags.filter((one) => one === "noted")];
      }
    }
  }

  /** Read the rows around a segment, once. @param {number} segment */
  async ensureRows(segment) {
    if (this.rows.has(segment)) return;
    await this.ensureWindow(Math.floor((this.position?.get(segment) ?? 0) / WINDOW) * WINDOW);
  }

  /** Read the rows from a position on, once. @param {number} from */
  async ensureWindow(from) {
    if (this.asked.has(from)) return;
    this.asked.add(from);
    try {
      this.putRows((await get(this.path(`?from=${from}&count=${WINDOW}`))).rows);
      this.dispatchEvent(new CustomEvent("rows"));
    } catch (failure) {
      this.asked.delete(from);
      throw failure;
    }
  }

  /** Read every row that is not here yet. */
  async ensureAll() {
    for (let from = 0; from < this.segments.length; from += WINDOW) {
      if (this.segments.slice(from, from + WINDOW).some((segment) => !this.rows.has(segment))) await this.ensureWindow(from);
    }
  }

  /** Read the rows again whose files were not here. */
  async readMissing() {
    const lacking = [...this.rows.values()].filter((row) => Object.values(row.assets).some((one) => one?.present === false));
    const windows = new Set(lacking.map((row) => Math.floor((this.position?.get(row.segment) ?? 0) / WINDOW) * WINDOW));
    for (const from of windows) this.putRows((await get(this.path(`?from=${from}&count=${WINDOW}`))).rows);
    this.details.clear();
    this.ready.clear();
    this.tell(lacking.flatMap((row) => KINDS.map((kind) => `${row.segment}/${kind}`)));
  }

  /** @param {{segment: number, kind: Kind}} entry @returns {Asset | null} */
  asset(entry) {
    return this.rows.get(entry.segment)?.assets[entry.kind] ?? null;
  }

  /** @param {{segment: number, kind: Kind}} entry @returns {Promise<Detail>} */
  detail(entry) {
    const key = keyOf(entry);
    let found = this.details.get(key);
    if (!found) {
      found = this.readDetail(entry);
      this.details.set(key, found);
      found.then(
        (detail) => this.details.get(key) === found && this.ready.set(key, detail),
        () => this.details.delete(key),
      );
      if (this.details.size > KEPT_DETAILS) this.forget(/** @type {string} */ (this.details.keys().next().value));
    }
    return found;
  }

  /** @param {{segment: number, kind: Kind}} entry @returns {Promise<Detail>} */
  async readDetail({ segment, kind }) {
    const { row, asset, ...rest } = await get(this.path(`/${segment}/${kind}`));
    this.putRows([row]);
    const entry = this.byKey.get(`${segment}/${kind}`);
    if (entry) entry.md5 = asset.md5;
    return { annotations: [], ...asset, ...rest };
  }

  /** @param {string} key */
  forget(key) {
    this.details.delete(key);
    this.ready.delete(key);
  }

  /** Take what the server says of assets. @param {Asset[]} assets */
  putAssets(assets) {
    for (const asset of assets) {
      const row = this.rows.get(asset.segment);
      if (row) row.assets[asset.kind] = asset;
      this.putEntry(toEntry(asset));
      this.forget(keyOf(asset));
    }
    this.tell(assets.map(keyOf));
  }

  /** @param {Entry} entry */
  putEntry(entry) {
    const known = this.byKey.get(keyOf(entry));
    if (known) {
      const noted = known.flags.includes("noted") && !entry.flags.includes("noted") ? ["noted"] : [];
      Object.assign(known, entry, { flags: [...entry.flags, ...noted] });
    } else {
      this.entries.push(entry);
      this.order();
    }
  }

  /** Set the statuses that a decision has, before the server has answered. @param {Entry[]} entries @param {import("./types.js").Status} status */
  setStatus(entries, status) {
    for (const entry of entries) {
      entry.status = status;
      const asset = this.asset(entry);
      if (asset) asset.status = status;
      const detail = this.ready.get(keyOf(entry));
      if (detail) detail.status = status;
    }
    this.tell(entries.map(keyOf));
  }

  /** Read what changed since the head that is known. */
  async refresh() {
    const news = await get(this.path(`?since=${encodeURIComponent(this.info.head)}`));
    const { rows, ...info } = news;
    this.info = { ...this.info, ...info, rows: [] };
    if (this.segments.length !== info.segments || news.assets_total !== this.entries.length) await this.loadIndex();
    /** @type {string[]} */
    const keys = [];
    for (const row of /** @type {Row[]} */ (rows ?? [])) {
      this.rows.set(row.segment, row);
      for (const kind of KINDS) {
        const asset = row.assets[kind];
        this.forget(`${row.segment}/${kind}`);
        if (asset) this.putEntry(toEntry(asset));
        keys.push(`${row.segment}/${kind}`);
      }
    }
    this.tell(keys);
  }

  /** @param {string[]} keys */
  tell(keys) {
    this.dispatchEvent(new CustomEvent("change", { detail: { keys } }));
  }

  /** @returns {{decided: number, total: number, counts: Record<string, number>}} */
  count() {
    /** @type {Record<string, number>} */
    const counts = {};
    let decided = 0;
    for (const entry of this.entries) {
      counts[entry.status] = (counts[entry.status] ?? 0) + 1;
      for (const flag of entry.flags) counts[flag] = (counts[flag] ?? 0) + 1;
      if (!needsDecision(entry)) decided += 1;
    }
    return { decided, total: this.entries.length, counts };
  }
}
