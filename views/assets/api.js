// Requests to the seat's paths, and what their responses mean for the whole page.

import { become } from "./connection.js";
import { request } from "./request.js";
import { config, emit, state } from "./state.js";

/** Browsers open at most this many HTTP/1.1 connections to a server. */
const SOCKETS = 6;
const SOCKET_MS = 2_000;

/**
 * GETs, or POSTs `body`, and never throws. An ended chat or session is told to everybody, and so is an answer that did not come in time.
 * @param {string} leaf below the seat's address
 * @param {object} [body]
 * @param {number} [deadlineMs]
 */
export async function call(leaf, body, deadlineMs) {
  const answer = await request(`${config.base}/${leaf}`, body, deadlineMs);
  const { code, data } = answer;
  if (answer.late) emit("timeout");
  if (code === 410) emit("over", {});
  if (code === 401) {
    state.replaced = data.error === "replaced" ? Date.parse(data.replacedAt) : null;
    become("session");
  } else if (code === 200 && state.connection === "session") become("connecting");
  return answer;
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
