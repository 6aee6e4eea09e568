import { one } from "./dom.js";
import { formatWhen } from "./format.js";
import { openHelp } from "./help.js";
import { bindKeys } from "./keys.js";
import { coalesce, listen } from "./live.js";
import { turnTheme } from "./prefs.js";

/** @type {import("./keys.js").Binding[]} */
const keys = [
  { keys: "/", what: "Filter", run: () => one("#search").focus() },
  { keys: "?", what: "This help", run: () => openHelp(keys) },
];

function sayWhen() {
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-at]"))) one.textContent = formatWhen(Number(one.dataset.at) * 1000);
}

function filter() {
  const words = /** @type {HTMLInputElement} */ (one("#search")).value.trim().toLowerCase();
  let shown = 0;
  for (const card of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".card"))) {
    card.hidden = !(card.textContent ?? "").toLowerCase().includes(words);
    if (!card.hidden) shown += 1;
  }
  document.querySelector("#none")?.toggleAttribute("hidden", shown > 0);
}

/** Read the page again when a run has changed, or when it is looked at again: the cards are the server's. */
const refresh = coalesce(async () => {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(".cards");
  const old = document.querySelector(".cards");
  // The first run, or the last that went, changes more of the page than its cards.
  if (fresh && old && !fresh.childElementCount !== !old.childElementCount) location.reload();
  if (!fresh || !old || fresh.isEqualNode(old) || old.contains(document.activeElement)) return;
  old.replaceWith(document.adoptNode(fresh));
  sayWhen();
  filter();
});

one("#theme").addEventListener("click", turnTheme);
one("#help").addEventListener("click", () => openHelp(keys));
document.querySelector("#search")?.addEventListener("input", filter);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
setInterval(() => document.visibilityState === "visible" && refresh(), 15_000);
listen(null, { runs: refresh });
bindKeys(keys);
sayWhen();
