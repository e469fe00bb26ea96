// Warns ten minutes and one minute before the chat is deleted.

import { fill } from "./fill.js";
import { text } from "./say.js";
import { on, state } from "./state.js";
import { strip } from "./strips.js";
import { now, written } from "./times.js";

const WARN_MINUTES = [10, 1];
const MINUTE_MS = 60_000;

/** The last warning. */
let said = Infinity;
/** @type {Element | undefined} */
let line;

export function start() {
  look();
  on("clock", look);
}

function look() {
  const left = state.expiresAt - now();
  const due = WARN_MINUTES.filter((minutes) => left <= minutes * MINUTE_MS).pop();
  if (due === undefined || due >= said || left <= 0) return;
  said = due;
  // What stays true while it stands there.
  line = strip(due > 1 ? fill(text.expires_at, { when: written(state.expiresAt, "time") }) : text.expires_soon, line);
}
