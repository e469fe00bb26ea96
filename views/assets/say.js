// Sentences: filled with names and numbers, and said to those who listen instead of look.

import { fill, plural } from "./fill.js";
import { byId, on, state } from "./state.js";

/** @type {Record<string, any>} */
export const text = JSON.parse(byId("chat").dataset.text ?? "{}");

/** The other person, at the beginning of a sentence. */
export const peerName = () => state.peer ?? text.other_start;

/** Fills the places of a cloned template. @param {ParentNode} node @param {Record<string, string>} values */
export function fillIn(node, values) {
  for (const place of node.querySelectorAll("[data-fill]")) {
    place.textContent = values[/** @type {HTMLElement} */ (place).dataset.fill ?? ""];
  }
}

/** @param {string} words */
export function status(words) {
  byId("status").textContent = words;
}

/** For a failed send and the end of the chat, nothing else. @param {string} words */
export function alarm(words) {
  byId("alert").textContent = words;
}

/** Messages within this time of each other are one burst. */
const BURST_MS = 1_000;
/** A burst of more than this is announced as a number. */
const EACH_MAX = 3;
const LINES_MAX = 20;

/** @type {string[]} */
let waiting = [];
/** @type {number | undefined} */
let burst;

/** @param {string} words */
function line(words) {
  const log = byId("log");
  const node = document.createElement("p");
  node.textContent = words;
  log.append(node);
  while (log.childElementCount > LINES_MAX) log.firstElementChild?.remove();
}

/** One line per arriving message; the first of a burst at once. @param {string[]} messages */
export function announce(messages) {
  if (!messages.length) return;
  waiting.push(...messages);
  if (burst === undefined) flush();
}

function flush() {
  burst = undefined;
  if (!waiting.length) return;
  const peer = peerName();
  if (waiting.length > EACH_MAX) line(fill(plural(text.announce_many, waiting.length), { peer }));
  else for (const words of waiting) line(fill(text.announce, { peer, text: words }));
  waiting = [];
  burst = setTimeout(flush, BURST_MS);
}

on("over", () => {
  waiting = [];
});
