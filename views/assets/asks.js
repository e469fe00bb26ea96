// Somebody at the door: a banner that stays until it is answered or two minutes are over. Also the strips that tell what happened.

import { call } from "./api.js";
import { fill, fillIn, peerName, status, text } from "./say.js";
import { byId, clone, config, on } from "./state.js";

/** How long an asking lives. */
const ASK_MS = 120_000;

const asks = byId("asks");

export function start() {
  on("asking", ({ ask, user, seat }) => {
    if (asks.querySelector(`[value="${CSS.escape(ask)}"]`)) return;
    const form = clone(seat === config.seat ? "ask-own" : "ask-other");
    /** @type {HTMLInputElement} */ (form.querySelector("[name=ask]")).value = ask;
    fillIn(form, { user });
    asks.append(form);
    status(fill(text.asking, { user }));
    setTimeout(() => form.remove(), ASK_MS);
  });
  on("seat", ({ seat, state }) => {
    if (state !== "replaced") return;
    asks.replaceChildren();
    strip(fill(seat === config.seat ? text.you_replaced : text.peer_replaced, { peer: peerName() }));
  });
  asks.addEventListener("submit", (event) => {
    event.preventDefault();
    const allow = /** @type {HTMLButtonElement | null} */ (/** @type {SubmitEvent} */ (event).submitter)?.value === "true";
    void answer(/** @type {HTMLFormElement} */ (event.target), allow);
  });
  document.addEventListener("click", (event) => {
    /** @type {Element} */ (event.target).closest("[data-dismiss]")?.closest(".strip")?.remove();
  });
}

/** @param {HTMLFormElement} form @param {boolean} allow */
async function answer(form, allow) {
  const ask = /** @type {HTMLInputElement} */ (form.querySelector("[name=ask]")).value;
  const { ok, code } = await call("answer", { ask, allow });
  if (ok || [403, 404, 409].includes(code)) form.remove();
  // An allowed newcomer is announced by the stream, to both.
  if (ok && !allow) strip(text.ask_refused);
  else if (code === 409) strip(text.ask_present);
  else if (code === 403 || code === 404) strip(text.ask_over);
  byId("message").focus();
}

/** A line above the messages, until it is closed. Its place is a status, so it is said as well. @param {string} words */
export function strip(words) {
  const node = clone("strip");
  /** @type {Element} */ (node.querySelector("p")).textContent = words;
  byId("notices").append(node);
}
