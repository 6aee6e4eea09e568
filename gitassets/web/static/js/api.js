/** Talk to the server. Every failure is an ApiError with what to do next. */

import { parseJson } from "./plain.js";

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {string | null} hint
   * @param {string} kind
   * @param {number} status
   * @param {any} body
   */
  constructor(message, hint, kind, status, body) {
    super(message);
    this.hint = hint;
    this.kind = kind;
    this.status = status;
    this.body = body;
  }
}

const token = () => document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (failure) {
    if (failure instanceof DOMException) throw failure;
    throw new ApiError("The server does not answer", "Is `gitassets serve` still running? Nothing you did here is lost.", "offline", 0, null);
  }
  const body = await readJson(answer);
  if (answer.ok) return body;
  const error = body?.error ?? {};
  throw new ApiError(error.message ?? `The server answered ${answer.status}`, error.hint ?? null, error.kind ?? "bug", answer.status, body);
}

/** @param {Response} answer */
async function readJson(answer) {
  try {
    return parseJson(await answer.text());
  } catch {
    return null;
  }
}

/** @param {string} path @param {AbortSignal} [signal] */
export function get(path, signal) {
  return call(path, { signal, headers: { Accept: "application/json" } });
}

/** @param {string} path @param {unknown} body */
export function post(path, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token() },
    body: JSON.stringify(body),
  });
}

/** @param {string} path @param {File} file */
export function upload(path, file) {
  return call(path, { method: "POST", headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": token() }, body: file });
}

/** @param {string} runId @param {string} [rest] */
export function runPath(runId, rest = "") {
  return `/api/runs/${encodeURIComponent(runId)}${rest}`;
}
