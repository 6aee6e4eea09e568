import { parseJson } from "./plain.js";

/**
 * Listen to what happens elsewhere, to a run or to any of them: the command line, a pull, another tab.
 *
 * @param {string | null} runId
 * @param {{head?: (news: {run_id: string, head: string}) => void, runs?: () => void, job?: (news: import("./types.js").Job) => void,
 *   lost?: (lost: boolean) => void}} listeners
 */
export function listen(runId, listeners) {
  const source = new EventSource(runId ? `/events?run=${encodeURIComponent(runId)}` : "/events");
  source.addEventListener("head", (event) => listeners.head?.(parseJson(event.data)));
  source.addEventListener("runs", () => listeners.runs?.());
  source.addEventListener("job", (event) => listeners.job?.(parseJson(event.data)));
  source.addEventListener("open", () => listeners.lost?.(false));
  source.addEventListener("error", () => listeners.lost?.(true));
  addEventListener("pagehide", () => source.close());
  return source;
}

/**
 * Call `work` now, and once more afterwards if it was asked for meanwhile.
 *
 * @param {() => Promise<void>} work
 */
export function coalesce(work) {
  let running = false;
  let again = false;
  return async function ask() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      running = false;
    }
  };
}
