// The state of this page, and its listeners.

import { runEach } from "./each.js";

/**
 * @typedef {object} Config what the server wrote into the page; instants are Unix milliseconds
 * @property {string} base address of the seat; names locks, channels and storage as well
 * @property {string} login
 * @property {string} ended
 * @property {string} loggedOut
 * @property {number} seat
 * @property {string} you
 * @property {string | null} peer
 * @property {boolean} joined
 * @property {boolean | null} online
 * @property {number | null} lastSeen
 * @property {number} lastSeq the last message that this page has, without a gap before it
 * @property {number} delivered how far the other browser has acknowledged
 * @property {number} read how far the other person has seen
 * @property {number} youRead
 * @property {number} expiresAt
 * @property {[number, number | null][]} letIn when somebody else was last let in, by seat
 * @property {boolean} more
 * @property {boolean} live
 * @property {{ version: string, hash: string, text: import("./findings.js").Sentences }} [encryption] of an encrypted chat
 */

/** @typedef {{ seq: number, id: string, senderName: string, message: string, timestamp: string }} Message */

const root = /** @type {HTMLElement} */ (document.getElementById("chat"));

export const config = /** @type {Config} */ (JSON.parse(root.dataset.chat ?? "{}"));

export const state = {
  // What changes of what the server wrote: who is there, how far both have got, when the chat expires.
  ...config,
  /** @type {Set<number>} what the other person wrote and this one has not seen, as far as this page has it */
  unread: new Set(),
  /** @type {{ ask: string, user: string, seat: number, number: string, expiresAt: string }[]} who wants to be let in */
  asks: [],
  /** @type {import("./connection.js").Connection} */
  connection: "connecting",
  /** @type {number | null} when somebody else was let in here, where that is why one is logged out */
  replaced: null,
  /** When somebody else was last let in, by seat. */
  letIn: new Map(config.letIn),
};

/** @type {Map<string, ((detail: any) => void)[]>} */
const listeners = new Map();

/**
 * Topics: `messages` (Message[], new and in order), `marks`, `peer`, `typing`, `connection`, `asks`, `answered` (ask), `seat`
 * ({ seat, user, state }), `letIn` ({ seat, at }), `unread`, `timeout` (a request had no answer), `stored` (id, in another tab),
 * `whose` and `mine` (an outbox's owner, asked for and named by another tab), `over` ({ by }), `out`, `clock` (it may be time for something).
 * @param {string} topic
 * @param {(detail: any) => void} listener
 */
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
}

/** A listener that fails is reported, and stops no other. @param {string} topic @param {any} [detail] */
export function emit(topic, detail) {
  runEach(listeners.get(topic) ?? [], detail);
}

/** The clock is read again and again: a timer of minutes or hours would sleep with the machine. */
const LOOK_MS = 5_000;

const look = () => emit("clock");
setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);

/** The mark of the reader moves forward only. @param {number} seq */
export function seen(seq) {
  if (seq <= state.youRead) return;
  state.youRead = seq;
  for (const one of state.unread) if (one <= seq) state.unread.delete(one);
  emit("unread");
}

/** An element that the server always writes. @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * For an element that is about to go or to be hidden: a focus in it goes to the messages, where it raises no phone's keyboard.
 * @template {Element | null | undefined} T @param {T} element
 */
export function yieldFocus(element) {
  if (element?.contains(document.activeElement)) byId("history").focus({ preventScroll: true });
  return element;
}

/** A copy of a template's only element. @param {string} id */
export function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}
