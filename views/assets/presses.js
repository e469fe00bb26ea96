// What is pressed in an encrypted chat before its key is at hand waits for it: without the key the server could but refuse it.

/** Forms that nothing but a script can send. */
let waiting = "[data-encrypted] form, [data-opening] #composer";
/** @type {SubmitEvent | undefined} the last press */
let held;

export function start() {
  addEventListener("submit", hold, true);
}

/** From here on these wait as well. @param {string} forms a selector */
export function holdBack(forms) {
  waiting += `, ${forms}`;
}

/** @param {SubmitEvent} event */
function hold(event) {
  if (!(/** @type {Element} */ (event.target).matches(waiting))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  held = event;
}

/** The key is at hand, or there is none, and then its forms are gone. */
export function release() {
  removeEventListener("submit", hold, true);
  const form = /** @type {HTMLFormElement | undefined} */ (held?.target);
  if (form?.checkVisibility()) form.requestSubmit(held?.submitter);
}
