// What is pressed in an encrypted chat before its key is at hand waits for it: without the key the server could but refuse it. The same
// where an encrypted chat is made or left. Ahead of this script the buttons of these forms cannot be pressed.

import { cannot } from "./cannot.js";

/** @type {SubmitEvent | undefined} the last press */
let held;

export function start() {
  addEventListener("submit", hold, true);
  // A script that follows this one does not come.
  addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && miss(), true);
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-waits] button"))) button.disabled = false;
}

/** @param {SubmitEvent} event */
function hold(event) {
  if (!(/** @type {Element} */ (event.target).matches("[data-waits]"))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  held = event;
}

/** What a form needs cannot be had: it is not sent another way, and the page says so. */
export function miss() {
  cannot("load", document.querySelector("[data-encrypted], [data-waits] button"));
}

/** The key is at hand, or there is none, and then its forms are gone. */
export function release() {
  removeEventListener("submit", hold, true);
  const form = /** @type {HTMLFormElement | undefined} */ (held?.target);
  if (form?.checkVisibility()) form.requestSubmit(held?.submitter);
}
