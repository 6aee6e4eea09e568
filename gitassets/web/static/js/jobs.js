import { get, post } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, withCode } from "./dom.js";
import { formatCost } from "./format.js";
import { toasts } from "./toasts.js";

/** @typedef {import("./types.js").Job} Job */

const WORDS = {
  build: { title: "Build the video", done: "Built the video", go: "Build", doing: "Building" },
  push: { title: "Push this run", done: "Pushed", go: "Push", doing: "Pushing" },
  pull: { title: "Pull this run", done: "Pulled", go: "Pull", doing: "Pulling" },
  fetch: { title: "Fetch what is not here", done: "Fetched", go: "Fetch", doing: "Fetching" },
  regenerate: { title: "Regenerate", done: "Made new takes", go: "Regenerate", doing: "Making takes" },
};

/** @typedef {keyof typeof WORDS} Name */

/** Long work that the server does: its progress, wherever this page shows it. */
export class Jobs extends EventTarget {
  /** @param {import("./store.js").RunStore} store */
  constructor(store) {
    super();
    this.store = store;
    /** @type {Map<string, {job: Job, name: Name, onend: (job: Job) => boolean | void}>} */
    this.known = new Map();
    this.place = h("div", { class: "jobs", "aria-live": "off" });
  }

  /** @param {Name} name @param {string} job @param {(job: Job) => boolean | void} [onend] It returns true if it has told how the work ended. */
  follow(name, job, onend = () => undefined) {
    this.known.set(job, { name, onend, job: { job, done: 0, total: 0, state: "waiting" } });
    this.tell();
    get(`/api/jobs/${encodeURIComponent(job)}`).then((now) => this.take(now), () => undefined);
  }

  /** @param {Job} news */
  take(news) {
    const ongoing = news.state === "waiting" || news.state === "running";
    if (!this.known.has(news.job) && ongoing && news.run_id === this.store.runId && news.kind && news.kind in WORDS) {
      this.known.set(news.job, { name: /** @type {Name} */ (news.kind), job: news, onend: () => undefined });
    }
    const known = this.known.get(news.job);
    if (!known) return;
    known.job = news;
    if (news.state === "done" || news.state === "failed") {
      this.known.delete(news.job);
      if (!known.onend(news)) this.end(known.name, news);
      if (["fetch", "pull", "build"].includes(known.name)) this.store.readMissing().catch((failure) => toasts.fail(failure));
    }
    this.tell();
  }

  /** @param {Name} name @param {Job} job */
  end(name, job) {
    if (job.state === "failed") toasts.show(job.text || `${WORDS[name].title}: it failed`, { bad: true, mark: "rejected", hint: job.hint, keep: true });
    else toasts.show(job.text || WORDS[name].done, { mark: "approved" });
  }

  tell() {
    const running = [...this.known.values()];
    this.place.replaceChildren(...running.map(({ name, job }) => line(name, job)));
    this.place.hidden = !running.length;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Ask before long work begins, then show how far it is.
   *
   * @param {Exclude<Name, "regenerate">} name
   * @param {(Node | string | null | false)[]} body
   * @param {() => Record<string, unknown>} read What is sent with it.
   * @param {(job: Job) => boolean | void} [onend]
   */
  ask(name, body, read, onend) {
    const words = WORDS[name];
    const dialog = openDialog({
      title: words.title,
      body,
      foot: [
        h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "submit", class: "b primary", autofocus: true }, words.go),
      ],
      onsubmit: async () => {
        const sent = read();
        dialog.close();
        await this.begin(name, sent, onend);
      },
    });
  }

  /** @param {Name} name @param {unknown} sent @param {(job: Job) => boolean | void} [onend] */
  async begin(name, sent, onend) {
    try {
      const { job } = await post(this.store.path(`/${name}`), sent);
      this.follow(name, job, onend);
    } catch (failure) {
      toasts.fail(failure);
    }
  }

  /** Download the bytes of an asset, or of one of its takes. @param {{segment: number, kind: string}} of @param {string} [md5] */
  fetch({ segment, kind }, md5) {
    return this.begin("fetch", { segment, kind, ...(md5 ? { md5 } : {}) });
  }
}

/** @param {Name} name @param {Job} job */
function line(name, job) {
  const known = job.total > 0;
  const bar = h("progress", known ? { max: job.total, value: job.done, "aria-label": WORDS[name].doing } : { "aria-label": WORDS[name].doing });
  const said = [job.step || job.text || WORDS[name].doing, known ? `${job.done} of ${job.total}` : ""].filter(Boolean).join(", ");
  return h("div", { class: "job" }, h("span", null, said), bar);
}

/**
 * Ask for a new take: what, how often, by whom, and what it costs before it is bought.
 *
 * @param {Jobs} jobs
 * @param {import("./types.js").Entry} entry
 * @param {{prompt?: string | null, voice?: string | null, source?: string | null, reason?: string | null, notes: number}} known
 */
export function askRegenerate(jobs, entry, known) {
  const { store } = jobs;
  const isAudio = entry.kind === "audio";
  const prompt = h("textarea", { id: "g-prompt", rows: 3, maxlength: 8000 });
  prompt.value = known.prompt ?? "";
  const text = (/** @type {string} */ id, /** @type {string} */ value = "", type = "text") => h("input", { type, id, value, autocomplete: "off" });
  const fields = { style: text("g-style"), voice: text("g-voice", known.voice ?? ""), seed: text("g-seed", "", "number"), takes: text("g-takes", "1", "number"), provider: text("g-provider", known.source ?? "") };
  fields.takes.min = "1";
  fields.takes.max = "8";
  const said = h("p", { class: "said", role: "status" }, "…");
  const go = h("button", { type: "submit", class: "b primary", disabled: true }, "Regenerate");
  const read = () => {
    /** @type {Record<string, unknown>} */
    const order = { segment: entry.segment, kind: entry.kind, md5: entry.md5, takes: Math.max(1, Number(fields.takes.value) || 1) };
    if (!isAudio && prompt.value.trim() && prompt.value.trim() !== (known.prompt ?? "")) order.prompt = prompt.value.trim();
    if (fields.style.value.trim()) order.style = fields.style.value.trim();
    if (isAudio && fields.voice.value.trim()) order.voice = fields.voice.value.trim();
    if (fields.seed.value.trim()) order.seed = Number(fields.seed.value);
    if (fields.provider.value.trim() && fields.provider.value.trim() !== known.source) order.provider = fields.provider.value.trim();
    return order;
  };
  let asked = 0;
  const ask = async () => {
    const mine = (asked += 1);
    go.toggleAttribute("disabled", true);
    try {
      const answer = await post(store.path("/regenerate"), read());
      if (mine !== asked) return;
      if (answer.problems?.length) {
        said.replaceChildren(...withCode(answer.problems.join(" ")));
        go.textContent = "Regenerate";
        return;
      }
      const cost = answer.free ? "free" : formatCost(answer.estimate_usd);
      const over = !answer.free && answer.may_buy && answer.estimate_usd > answer.rest_usd;
      said.textContent = answer.free ? `Made by ${answer.provider}, free` : `${answer.provider}: ${cost || "price unknown"}`;
      if (!answer.free && answer.may_buy) said.textContent += `. This server may still spend ${formatCost(answer.rest_usd)}.`;
      if (!answer.free && !answer.may_buy) said.textContent += ". This server was started without --live, so it buys nothing.";
      go.textContent = answer.free ? "Regenerate" : `Buy for ${cost}`;
      go.toggleAttribute("disabled", !answer.free && (!answer.may_buy || over));
    } catch (failure) {
      if (mine === asked) said.textContent = [/** @type {any} */ (failure).message, /** @type {any} */ (failure).hint].filter(Boolean).join(". ");
    }
  };
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    said.textContent = "…";
    timer = setTimeout(ask, 250);
  };
  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ input) => h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  const goes = [known.reason && "the reason", known.notes > 0 && (known.notes === 1 ? "the open note" : `${known.notes} open notes`)].filter(Boolean);
  const dialog = openDialog({
    title: `Regenerate ${entry.kind} ${entry.segment}`,
    lead: goes.length ? `A provider that can take them also gets ${goes.join(" and ")}.` : "New takes come as candidates. The current one stays until you choose.",
    body: [
      isAudio ? null : field("Prompt", prompt),
      h("div", { class: "two" }, isAudio ? field("Voice", fields.voice) : field("Style", fields.style), field("Provider", fields.provider)),
      h("div", { class: "two" }, field("Takes", fields.takes), field("Seed", fields.seed)),
    ],
    foot: [said, h("button", { type: "button", class: "b quiet", onclick: () => dialog.close() }, "Cancel"), go],
    onsubmit: async () => {
      if (go.disabled) return;
      const order = { ...read(), confirm: true };
      dialog.close();
      try {
        jobs.follow("regenerate", (await post(store.path("/regenerate"), order)).job);
      } catch (failure) {
        toasts.fail(failure);
      }
    },
  });
  dialog.addEventListener("input", later);
  ask();
}
