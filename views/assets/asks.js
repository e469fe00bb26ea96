// Asks: a banner for each until it is answered or two minutes are over; several share one strip with their number.
// Loaded by strips.js when there is one.

import { call } from "./api.js";
import { fill, plural } from "./fill.js";
import { fillIn, status, text } from "./say.js";
import { byId, clone, config, on, state, yieldFocus } from "./state.js";
import { strip } from "./strips.js";
import { tell } from "./tabs.js";
import { now } from "./times.js";

const asks = /** @type {HTMLDetailsElement} */ (byId("asks"));
const forms = () => [...asks.querySelectorAll("form")];

export function start() {
  on("asks", show);
  on("answered", done);
  asks.addEventListener("submit", (event) => {
    event.preventDefault();
    const allow = /** @type {HTMLButtonElement | null} */ (/** @type {SubmitEvent} */ (event).submitter)?.value === "true";
    void answer(/** @type {HTMLFormElement} */ (event.target), allow);
  });
  on("clock", () => {
    for (const { ask, expiresAt } of state.asks) if (Date.parse(expiresAt) <= now()) done(ask);
  });
  show();
}

/** @param {Element} form */
const wordOf = (form) => /** @type {HTMLInputElement} */ (form.querySelector("[name=ask]")).value;

/** One banner for each open ask, and none for those answered in another tab or expired. */
function show() {
  for (const form of forms()) if (!state.asks.some(({ ask }) => ask === wordOf(form))) yieldFocus(form).remove();
  const shown = forms().map(wordOf);
  for (const { ask, user, seat, number } of state.asks.filter((one) => !shown.includes(one.ask))) {
    const form = clone(seat === config.seat ? "ask-own" : "ask-other");
    /** @type {HTMLInputElement} */ (form.querySelector("[name=ask]")).value = ask;
    fillIn(form, { user, number });
    asks.append(form);
    status(fill(text.asking, { user }));
  }
  const several = state.asks.length > 1;
  const summary = /** @type {HTMLElement} */ (asks.querySelector("summary"));
  // Whoever is about to answer is not interrupted.
  if (!several) asks.open = true;
  else if (summary.hidden && !asks.contains(document.activeElement)) asks.open = false;
  summary.hidden = !several;
  summary.textContent = plural(text.asks_waiting, state.asks.length);
}

/** @param {string} word */
function done(word) {
  state.asks = state.asks.filter(({ ask }) => ask !== word);
  show();
}

/** @param {HTMLFormElement} form @param {boolean} allow */
async function answer(form, allow) {
  const ask = wordOf(form);
  const { ok, code, data } = await call("answer", { ask, allow });
  const error = data?.error;
  // If the person asked for is online now, the ask can still be refused.
  if (ok || ([403, 404, 409].includes(code) && error !== "seat_open")) {
    done(ask);
    tell("answered", ask);
  }
  // An allowed newcomer is announced by the stream, to both.
  if (ok && !allow) strip(text.ask_refused);
  else if (code === 409) strip(error === "ask_over" ? text.ask_over : text.ask_present);
  else if (code === 403 || code === 404) strip(text.ask_over);
  else if (!ok) strip(error === "presence_unknown" ? text.ask_unknown : text.ask_failed);
  byId("message").focus();
}
