// Waiting to be let in, or with an open invitation: polls every two seconds, and loads the page again when the answer changes.

import { request } from "./request.js";

const EVERY_MS = 2_000;
/** On a dead connection an answer would never come. */
const ANSWER_MS = 10_000;

export function start() {
  const waiting = /** @type {HTMLElement | null} */ (document.querySelector("[data-ask]"));
  if (waiting) setTimeout(look, EVERY_MS, waiting.dataset.ask);
  /** @type {HTMLFormElement | null} */ (document.querySelector("[data-submit-now]"))?.requestSubmit();
}

/** @param {string} address */
async function look(address) {
  const { code, data } = await request(address, undefined, ANSWER_MS);
  // If this poll got no answer, the next one may.
  const state = data.state ?? (code && code < 429 ? "over" : "waiting");
  if (state === "waiting") setTimeout(look, EVERY_MS, address);
  else location.reload();
}
