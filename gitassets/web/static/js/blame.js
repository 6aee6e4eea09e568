import { one, readData } from "./dom.js";
import { formatWhen } from "./format.js";
import { openHelp } from "./help.js";
import { bindKeys } from "./keys.js";
import { listen } from "./live.js";
import { drawPeaks } from "./peaks.js";
import { turnTheme } from "./prefs.js";

const data = readData();

/** @type {import("./keys.js").Binding[]} */
const keys = [{ keys: "?", what: "This help", run: () => openHelp(keys) }];
bindKeys(keys);
one("#theme").addEventListener("click", turnTheme);
one("#help").addEventListener("click", () => openHelp(keys));
for (const time of document.querySelectorAll("time")) {
  const said = formatWhen(time.dateTime);
  time.textContent = "long" in time.dataset ? `${new Date(time.dateTime).toLocaleString()}, ${said}` : said;
}
for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-peaks]"))) place.append(drawPeaks(place.dataset.peaks ?? null, 90));
listen(data.run_id, { head: ({ head }) => head !== data.head && location.reload() });
