/** Letters that turn the order of others: by them a text reads as another one than it is. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;
const MAY_TURN = /[\u202a-\u202e\u2066-\u2069]|\\u20[26]/i;

/** @param {string} text */
export function showTurns(text) {
  return text.replace(TURNS, (one) => `⟨U+${one.charCodeAt(0).toString(16).toUpperCase()}⟩`);
}

/** Parse what people and services have written: letters that turn others are shown instead of obeyed. @param {string} json @returns {any} */
export function parseJson(json) {
  if (!MAY_TURN.test(json)) return JSON.parse(json);
  return JSON.parse(json, (_, value) => (typeof value === "string" ? showTurns(value) : value));
}
