// What this page knows, in one place, and who wants to hear when it changes.

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
 * @property {number} lastSeq
 * @property {number} delivered how far the other browser has acknowledged
 * @property {number} read how far the other person has seen
 * @property {number} youRead
 * @property {number} expiresAt
 * @property {number} now the server's clock when it wrote the page
 * @property {boolean} more
 * @property {boolean} live
 */

/** @typedef {{ seq: number, id: string, senderName: string, message: string, timestamp: string }} Message */

const root = /** @type {HTMLElement} */ (document.getElementById("chat"));

export const config = /** @type {Config} */ (JSON.parse(root.dataset.chat ?? "{}"));

/** How far the server's clock is ahead of this one. */
export const skew = config.now - Date.now();

export const state = {
  peer: config.peer,
  joined: config.joined,
  online: config.online,
  lastSeen: config.lastSeen,
  /** The last message this page has, without a gap before it. */
  lastSeq: config.lastSeq,
  delivered: config.delivered,
  read: config.read,
  youRead: config.youRead,
  expiresAt: config.expiresAt,
  /** @type {Set<number>} what the other person wrote and this one has not seen, as far as this page has it */
  unread: new Set(),
  /** @type {{ ask: string, user: string, seat: number }[]} who wants to be let in */
  asks: [],
  /** @type {"opening" | "open" | "lost" | "session" | "over"} */
  connection: "opening",
};

/** @type {Map<string, ((detail: any) => void)[]>} */
const listeners = new Map();

/**
 * Topics: `messages` (Message[], new and in order), `marks`, `peer`, `typing`, `connection`, `asks`, `answered` (ask), `seat`
 * ({ seat, user, state }), `unread`, `over` ({ by }), `out`.
 * @param {string} topic
 * @param {(detail: any) => void} listener
 */
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
}

/** @param {string} topic @param {any} [detail] */
export function emit(topic, detail) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** @param {"opening" | "open" | "lost" | "session" | "over"} now */
export function connect(now) {
  // Over is over: a late event of a closing stream must not bring the banner back.
  if (state.connection === "over" || state.connection === now) return;
  // A lost session is why the stream is lost: the way back in stays on the page until it is taken.
  if (state.connection === "session" && now !== "over" && now !== "open") return;
  state.connection = now;
  emit("connection");
}

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

/** A copy of a template's only element. @param {string} id */
export function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}
