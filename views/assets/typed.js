// What somebody has typed stays: when the page comes in another language, and when the network or the server is away.

import { ofTab } from "./storage.js";

/** Removed by the next page. */
const KEY = "duet:typed";

export function start() {
  // No code is kept, and of hidden fields the server knows what they hold. Only a login with the id of the one that had no answer is the same.
  const fields = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("#login [name=id], :is(#register, #login) input:not([type=hidden], .code)")]);
  const kept = JSON.parse(ofTab.get(KEY) ?? "[]");
  ofTab.remove(KEY);
  // Those of another page are others.
  if (kept.length === fields.length) fields.forEach((field, at) => ([field.value, field.checked] = kept[at]));
  addEventListener("submit", (event) => {
    // Where no answer comes, a browser shows a page of its own, and by the Back button this one without what was typed.
    if (fields.length) ofTab.set(KEY, JSON.stringify(fields.map(({ value, checked }) => [value, checked])));
    const words = /** @type {HTMLElement} */ (event.target).querySelector("[data-offline]");
    if (navigator.onLine || !words) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    Object.assign(words, { role: "alert", hidden: false });
  }, true);
}
