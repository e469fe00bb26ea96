// A word ten minutes and one minute before the chat is deleted.

import { strip } from "./asks.js";
import { plural, text } from "./say.js";
import { skew, state } from "./state.js";

const WARN_MINUTES = [10, 1];
/** Timers beyond this overflow to "at once". */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function start() {
  const left = state.expiresAt - (Date.now() + skew);
  for (const minutes of WARN_MINUTES) {
    const wait = left - minutes * 60_000;
    // Opened late: the nearest word that is still true.
    const late = wait < 0 && left > 0 && minutes === 10 && left > 60_000;
    if (late) strip(plural(text.expires_minutes, Math.ceil(left / 60_000)));
    if (wait >= 0 && wait < TIMER_MAX_MS) setTimeout(() => strip(plural(text.expires_minutes, minutes)), wait);
  }
}
