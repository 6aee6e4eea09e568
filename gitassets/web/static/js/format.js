/** @param {number | null | undefined} seconds */
export function formatTime(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "0:00.0";
  const tenths = Math.round(seconds * 10);
  const minutes = Math.floor(tenths / 600);
  return `${minutes}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

/** @param {number | null | undefined} seconds */
export function formatLength(seconds) {
  if (!seconds) return "0:00";
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const rest = `${Math.floor((whole % 3600) / 60)}`;
  const end = `${whole % 60}`.padStart(2, "0");
  return hours ? `${hours}:${rest.padStart(2, "0")}:${end}` : `${rest}:${end}`;
}

/** @param {number | null | undefined} usd */
export function formatCost(usd) {
  if (usd === null || usd === undefined) return "";
  return usd > 0 && usd < 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

/** @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {string | null} md5 */
export function shortHash(md5) {
  return (md5 ?? "").slice(0, 8);
}

/** @param {number} count @param {string} noun @param {string} [many] */
export function count(count, noun, many = `${noun}s`) {
  return `${count.toLocaleString("en-US")} ${count === 1 ? noun : many}`;
}

/** @param {string | number | null | undefined} when An ISO time, or milliseconds since 1970. */
export function formatWhen(when) {
  if (!when) return "";
  const then = new Date(when);
  const minutes = (Date.now() - then.getTime()) / 60000;
  if (Number.isNaN(minutes)) return `${when}`;
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${Math.floor(minutes)} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (minutes < 14 * 24 * 60) return count(Math.floor(minutes / 1440), "day") + " ago";
  return then.toISOString().slice(0, 10);
}

/** @param {number[]} numbers Sorted. As the commands write them: 1-3,7. */
export function formatRanges(numbers) {
  /** @type {string[]} */
  const parts = [];
  for (let at = 0; at < numbers.length; ) {
    let end = at;
    while (numbers[end + 1] === numbers[end] + 1) end += 1;
    parts.push(end > at ? `${numbers[at]}-${numbers[end]}` : `${numbers[at]}`);
    at = end + 1;
  }
  return parts.join(",");
}

/** @param {[number, number]} range */
export function formatRange([start, end]) {
  return start === end ? formatTime(start) : `${formatTime(start)} to ${formatTime(end)}`;
}
