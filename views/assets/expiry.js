// Warns ten minutes and one minute before the chat is deleted.

import { plural } from "./fill.js";
import { text } from "./say.js";
import { on, state } from "./state.js";
import { strip } from "./strips.js";
import { now } from "./times.js";

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
  // Looked late: what is still true.
  line = strip(plural(text.expires_minutes, Math.ceil(left / MINUTE_MS)), line);
}
