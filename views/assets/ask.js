// Waiting at the door: asks every two seconds, and goes in when it opens. A script of its own, for the pages that wait.

const EVERY_MS = 2_000;
/** On a dead connection there would never be an answer. */
const ANSWER_MS = 10_000;

export function start() {
  const waiting = /** @type {HTMLElement | null} */ (document.querySelector("[data-ask]"));
  if (waiting) setTimeout(look, EVERY_MS, waiting.dataset.ask);
  /** @type {HTMLFormElement | null} */ (document.querySelector("[data-submit-now]"))?.requestSubmit();
}

/** @param {string} address */
async function look(address) {
  let state = "waiting";
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    const { data } = await response.json();
    state = data.state ?? (response.status < 500 && response.status !== 429 ? "over" : "waiting");
  } catch {
    // No network, no answer: the next look may have both.
  }
  if (state === "waiting") setTimeout(look, EVERY_MS, address);
  else location.reload();
}
