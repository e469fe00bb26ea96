// Requests to the server. Each has a deadline, because a half-dead network gives neither an answer nor an error.

import { compare } from "./times.js";

/** Longer than the server's own timeouts. */
const DEADLINE_MS = 20_000;
/** The same where somebody has pressed a button and waits: what was done all the same may be asked for again. */
export const PATIENCE_MS = 8_000;
/** Nobody waits longer than this, whatever is asked for on the way: the timers of browsers run over at 24 days, and then go off at once. */
const RETRY_AFTER_MS_MAX = 60_000;

/**
 * @typedef {object} Answer
 * @property {boolean} ok
 * @property {number} code the envelope's; 0 when no answer came, so that nobody knows whether it was done
 * @property {any} data
 * @property {number} retryAfterMs
 * @property {boolean} [late] no answer came in time
 */

/**
 * GETs, or POSTs `body`, and never throws.
 * @param {string} address
 * @param {object} [body]
 * @param {number} [deadlineMs]
 * @returns {Promise<Answer>}
 */
export async function request(address, body, deadlineMs = DEADLINE_MS) {
  try {
    const text = body && JSON.stringify({ data: body });
    const response = await fetch(address, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: text,
      cache: "no-store",
      // What was pressed is done, also when the tab is closed with it. A browser takes 64 KiB of that at a time.
      keepalive: text !== undefined && text.length < 16_000,
      signal: AbortSignal.timeout(deadlineMs),
    });
    compare(Date.parse(response.headers.get("Date") ?? ""));
    const waitMs = 1000 * Number(response.headers.get("Retry-After"));
    const { data } = await response.json();
    // JSON from a proxy in between is not the server's answer.
    const code = data ? (response.ok ? 200 : response.status) : 0;
    return { ok: code === 200, code, data: data ?? {}, retryAfterMs: waitMs > 0 ? Math.min(waitMs, RETRY_AFTER_MS_MAX) : 0 };
  } catch (error) {
    return { ok: false, code: 0, data: {}, retryAfterMs: 0, late: /** @type {Error} */ (error).name === "TimeoutError" };
  }
}

/**
 * Sends what a form is for without leaving the page. Answers null where that came to nothing. Then the form says so where trying again may
 * help; for the rest the form as the browser sends it brings a page that says what is wrong.
 * @param {HTMLFormElement} form
 * @param {number[]} [done] codes that are as good as having done it
 */
export async function sendForm(form, done = []) {
  const words = /** @type {HTMLElement} */ (form.closest("dialog, .card, .strip")?.querySelector("[data-unanswered]"));
  words.hidden = true;
  form.ariaBusy = "true";
  const answer = await request(form.action, {}, PATIENCE_MS);
  form.ariaBusy = null;
  if (answer.ok || done.includes(answer.code)) return answer;
  if (answer.code && answer.code < 429) form.submit();
  else {
    words.role = "alert";
    words.hidden = false;
  }
  return null;
}
