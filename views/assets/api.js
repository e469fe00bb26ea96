// Requests to the seat's own address, and what their answers mean for the page as a whole.

import { become } from "./connection.js";
import { config, emit, state } from "./state.js";

/** Longer than the server takes to give up by itself. */
const DEADLINE_MS = 20_000;
/** A browser keeps so many connections of HTTP/1.1 to a server. */
const SOCKETS = 6;
const SOCKET_MS = 2_000;

/**
 * @typedef {object} Answer
 * @property {boolean} ok
 * @property {number} code the envelope's; 0 when no answer came, so that nobody knows whether it was done
 * @property {any} data
 * @property {number} retryAfterMs
 */

/**
 * GETs, or POSTs `body`, and never throws. An ended chat or session is told to everybody, and so is an answer that did not come.
 * @param {string} leaf below the seat's address
 * @param {object} [body]
 * @param {number} [deadlineMs]
 * @returns {Promise<Answer>}
 */
export async function call(leaf, body, deadlineMs = DEADLINE_MS) {
  try {
    const text = body && JSON.stringify({ data: body });
    const response = await fetch(`${config.base}/${leaf}`, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: text,
      cache: "no-store",
      // What was pressed is done, also when the tab is closed with it. A browser takes 64 KiB of that at a time.
      keepalive: text !== undefined && text.length < 16_000,
      signal: AbortSignal.timeout(deadlineMs),
    });
    const retryAfterMs = 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0;
    const { data } = await response.json();
    // A proxy on the way may answer with JSON of its own: that is no answer of the server's.
    const code = data ? (response.ok ? 200 : response.status) : 0;
    if (code === 410) emit("over", {});
    if (code === 401) {
      state.replaced = data?.error === "replaced" ? Date.parse(data.replacedAt) : null;
      become("session");
    } else if (code === 200 && state.connection === "session") become("connecting");
    return { ok: code === 200, code, data: data ?? {}, retryAfterMs };
  } catch (error) {
    if (/** @type {Error} */ (error).name === "TimeoutError") emit("timeout");
    return { ok: false, code: 0, data: {}, retryAfterMs: 0 };
  }
}

/**
 * Closes the connections that the browser has at rest. After a sleep or a change of networks they may all be dead, and it would try
 * them one after the other: asked all at once and given up together, they are closed together.
 */
export function dropSockets() {
  for (let socket = 0; socket < SOCKETS; socket++) {
    const signal = AbortSignal.timeout(SOCKET_MS);
    fetch(`${config.base}/messages?after=${state.lastSeq}&limit=1`, { cache: "no-store", signal }).catch(() => {});
  }
}

/** Waits that double, with jitter, so that a thousand pages do not come back in one second. @param {number} attempt from 0 */
export function backoffMs(attempt) {
  return Math.min(15_000, 500 * 2 ** attempt) * (0.5 + Math.random());
}
