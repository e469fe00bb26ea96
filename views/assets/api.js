// Requests to the seat's own address, and what their answers mean for the page as a whole.

import { config, connect, emit } from "./state.js";

/** Longer than the server takes to give up by itself. */
const DEADLINE_MS = 20_000;

/**
 * @typedef {object} Answer
 * @property {boolean} ok
 * @property {number} code the envelope's; 0 when no answer came, so that nobody knows whether it was done
 * @property {any} data
 * @property {number} retryAfterMs
 */

/**
 * GETs, or POSTs `body`, and never throws. An ended chat or session is told to everybody.
 * @param {string} leaf below the seat's address
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
export async function call(leaf, body) {
  try {
    const response = await fetch(`${config.base}/${leaf}`, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify({ data: body }),
      cache: "no-store",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const retryAfterMs = 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0;
    const { data } = await response.json();
    const code = response.ok ? 200 : response.status;
    if (code === 410) emit("over", {});
    if (code === 401) connect("session");
    return { ok: code === 200, code, data, retryAfterMs };
  } catch {
    return { ok: false, code: 0, data: {}, retryAfterMs: 0 };
  }
}

/** Waits that double, with jitter, so that a thousand pages do not come back in one second. @param {number} attempt from 0 */
export function backoffMs(attempt) {
  return Math.min(15_000, 500 * 2 ** attempt) * (0.5 + Math.random());
}
