// What was written and is not yet stored: shown at once, kept in this tab's storage across a reload, sent in order, and sent
// again with the same id until the server has answered. The server stores an id once, so nothing arrives twice.

import { backoffMs, call } from "./api.js";
import { byMessage, discard, pend, setState } from "./log.js";
import { alarm, text } from "./say.js";
import { byId, config, on, state } from "./state.js";

/** @typedef {{ id: string, text: string, at: number, failed?: boolean }} Item */

const KEY = `duet:outbox:${config.base}`;
/** Answers that sending again does not change. */
const FINAL = [400, 403, 404, 409, 413, 415, 422];

/** A defect may pass, but not for ever. */
const DEFECT_TRIES = 4;

/** @type {Item[]} */
let items = [];
let busy = false;
let attempt = 0;
/** @type {number | undefined} */
let again;

export function start() {
  items = JSON.parse(sessionStorage.getItem(KEY) ?? "[]").filter((/** @type {Item} */ item) => !byMessage(item.id));
  save();
  for (const item of items) {
    const node = pend(item.id, item.text, item.at);
    if (item.failed) setState(node, "failed");
  }
  on("connection", () => state.connection === "open" && now());
  on("messages", (messages) => messages.forEach((/** @type {{ id: string }} */ { id }) => done(id)));
  byId("messages").addEventListener("click", press);
  now();
}

/** @param {string} words */
export function send(words) {
  const item = { id: newId(), text: words, at: Date.now() };
  items.push(item);
  save();
  pend(item.id, item.text, item.at);
  void pump();
}

export function clear() {
  clearTimeout(again);
  items = [];
  sessionStorage.removeItem(KEY);
}

/** `crypto.randomUUID` exists in secure contexts alone. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function save() {
  if (items.length) sessionStorage.setItem(KEY, JSON.stringify(items));
  else sessionStorage.removeItem(KEY);
}

/** @param {string} id */
function done(id) {
  const left = items.filter((item) => item.id !== id);
  if (left.length === items.length) return;
  items = left;
  save();
}

function now() {
  clearTimeout(again);
  attempt = 0;
  void pump();
}

async function pump() {
  const item = items.find((one) => !one.failed);
  if (busy || !item || state.connection === "over" || state.connection === "session") return;
  busy = true;
  const timestamp = new Date(item.at).toISOString();
  const answer = await call("message_send", { message: item.text, id: item.id, timestamp });
  busy = false;
  const node = byMessage(item.id);
  if (answer.ok) {
    attempt = 0;
    done(item.id);
    // The stream brings its place. Until then it stands at the end, and it is stored.
    if (node?.dataset.state === "sending") setState(node, "sent");
  } else if (FINAL.includes(answer.code) || (answer.code === 500 && attempt >= DEFECT_TRIES)) {
    item.failed = true;
    save();
    if (node) setState(node, "failed");
    alarm(`${text.failed_announce} ${answer.data.message ?? ""}`);
  } else {
    clearTimeout(again);
    again = setTimeout(pump, answer.retryAfterMs || backoffMs(attempt++));
    return;
  }
  void pump();
}

/** Retry · Delete @param {Event} event */
function press(event) {
  const button = /** @type {Element} */ (event.target).closest("[data-retry], [data-delete]");
  const node = /** @type {HTMLElement | null | undefined} */ (button?.closest(".message"));
  const item = items.find((one) => one.id === node?.dataset.id);
  if (!button || !node || !item) return;
  byId("message").focus();
  if (button.matches("[data-retry]")) {
    item.failed = false;
    setState(node, "sending");
    save();
    void pump();
  } else {
    done(item.id);
    discard(node);
  }
}
