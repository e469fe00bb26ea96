// What every page loads ahead of its first paint, and what the other scripts build upon.

import { start as copy } from "./copy.js";
import { runEach } from "./each.js";
import { start as theme } from "./theme.js";
import { start as presses } from "./presses.js";
import { start as times } from "./times.js";

export { expected, mayHoldKeys } from "./arrival.js";
export { breathe, rest } from "./breath.js";
export { cannot } from "./cannot.js";
export { runEach } from "./each.js";
export { fill, plural } from "./fill.js";
export { PATIENCE_MS, request, sendForm } from "./request.js";
export { ofBrowser, ofTab } from "./storage.js";

runEach([times, theme, copy, presses]);
