// What every page loads ahead of its first paint, and what the other scripts build upon.

import * as copy from "./copy.js";
import * as presses from "./presses.js";
import * as theme from "./theme.js";
import * as times from "./times.js";

export { expected, mayHoldKeys } from "./arrival.js";
export { breathe, rest } from "./breath.js";
export { cannot } from "./cannot.js";
export { fill, plural } from "./fill.js";
export { PATIENCE_MS, request, sendForm } from "./request.js";
export { ofBrowser, ofTab } from "./storage.js";

for (const { start } of [times, theme, copy, presses]) {
  try {
    start();
  } catch (error) {
    // One part that a browser does not have or forbids is no reason to lose the others.
    reportError(error);
  }
}
