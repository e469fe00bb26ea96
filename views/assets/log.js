// The visible list: what is in it, in which order, and where the reader stands in it.
//
// The scroller's axis runs upwards: scrollTop is 0 at the end and negative above. So older messages move nothing, and what
// arrives while somebody reads further up is made good by as much as it added.

import { write } from "./rich.js";
import { announce, fillIn, plural, text } from "./say.js";
import { byId, clone, config, on, state } from "./state.js";
import { dayNumber, show } from "./times.js";

/** @typedef {import("./state.js").Message} Message */

const list = byId("messages");
const scroller = byId("history");
const pill = byId("pill");
/** So close to the end counts as there. */
const END_PX = 48;
/** Arrived below the reader's eyes. */
let below = 0;
/** @type {Set<HTMLElement>} one's own that the other person has not seen */
const unseen = new Set();
/** @type {Map<string, HTMLElement>} by its id, what was written here and has no place yet; it stands at the end of the list */
const pending = new Map();
/** @type {HTMLElement | null} where the unread part begins */
let divider = list.querySelector(".unread");
/** @type {HTMLElement | null} */
let last = list.querySelector(".last");

const atEnd = () => scroller.scrollTop > -END_PX;
/** Ahead of what a message with a place is put. @returns {HTMLElement | null} */
const firstPending = () => pending.values().next().value ?? null;
/** @param {string} id @returns {HTMLElement | null} */
export const byMessage = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);

export function start() {
  groupByDay();
  for (const node of list.querySelectorAll(".theirs")) {
    const seq = Number(/** @type {HTMLElement} */ (node).dataset.seq);
    if (seq > state.youRead) state.unread.add(seq);
  }
  if (divider && divider.offsetTop < scroller.scrollHeight - scroller.clientHeight) {
    divider.scrollIntoView({ block: "start" });
    showPill(state.unread.size);
  }
  scroller.addEventListener("scroll", () => atEnd() && showPill(0), { passive: true });
  pill.addEventListener("click", () => toEnd());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !state.unread.size) clearDivider();
  });
  on("messages", arrive);
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('.mine:not([data-state="seen"])'))) unseen.add(item);
  on("marks", () => unseen.forEach(tick));
}

/** @param {Message} message @param {boolean} mine */
function node(message, mine) {
  const at = Date.parse(message.timestamp);
  const item = clone(mine ? "mine" : "theirs");
  Object.assign(item.dataset, { id: message.id, at: String(at) });
  if (message.seq) Object.assign(item.dataset, { seq: String(message.seq), seat: String(mine ? config.seat : 3 - config.seat) });
  fillIn(item, { peer: message.senderName });
  write(/** @type {HTMLElement} */ (item.querySelector(".text")), message.message);
  show(/** @type {Element} */ (item.querySelector("time")), at);
  return item;
}

/** Something written here, shown before the server has it. @param {string} id @param {string} words @param {number} at */
export function pend(id, words, at) {
  const item = node({ seq: 0, id, senderName: config.you, message: words, timestamp: new Date(at).toISOString() }, true);
  document.getElementById("empty")?.remove();
  place(item, null);
  pending.set(id, item);
  newest(item);
  toEnd();
  return item;
}

/** @param {HTMLElement} item @param {"sending" | "sent" | "delivered" | "seen" | "failed"} is */
export function setState(item, is) {
  if (item.dataset.state !== is) {
    item.dataset.state = is;
    /** @type {HTMLElement} */ (item.querySelector(".tick-word")).textContent = text[is];
  }
  const failed = /** @type {HTMLElement | null} */ (item.querySelector(".failed"));
  if (failed) failed.hidden = is !== "failed";
}

/** New messages, in order. Those written in this tab are here already and only get their place. @param {Message[]} messages */
function arrive(messages) {
  const stay = !atEnd();
  const before = stay ? list.getBoundingClientRect().height : 0;
  const looking = !document.hidden && !stay;
  const theirs = [];
  for (const message of messages) {
    const mine = message.senderName === config.you;
    const written = pending.get(message.id);
    const item = written ?? node(message, mine);
    if (written) {
      // Stored in another order than written, because one of them had to be sent again: the server's order counts.
      if (written !== firstPending()) item.remove();
      pending.delete(message.id);
      Object.assign(item.dataset, { seq: String(message.seq), seat: String(config.seat), at: String(Date.parse(message.timestamp)) });
      show(/** @type {Element} */ (item.querySelector("time")), Date.parse(message.timestamp));
    }
    if (!mine) {
      theirs.push(message.message);
      if (!looking && !divider && state.unread.has(message.seq)) place((divider = clone("unread")), firstPending());
    }
    if (!item.isConnected) place(item, firstPending());
    if (!written) item.classList.add("fresh");
    if (mine) {
      tick(item);
      if (!firstPending()) newest(item);
    }
  }
  if (theirs.length) document.getElementById("empty")?.remove();
  announce(theirs);
  if (stay) {
    scroller.scrollTop -= list.getBoundingClientRect().height - before;
    showPill(below + theirs.length);
  }
}

/** Inserts, with a heading where a day begins. @param {HTMLElement} item @param {Element | null} next */
function place(item, next) {
  const at = Number(item.dataset.at);
  if (at) {
    const before = /** @type {HTMLElement | null} */ (lastBefore(next));
    if (!before || dayNumber(Number(before.dataset.at)) !== dayNumber(at)) list.insertBefore(heading(at), next);
  }
  list.insertBefore(item, next);
}

/** @param {Element | null} next */
function lastBefore(next) {
  let item = next ? next.previousElementSibling : list.lastElementChild;
  while (item && !(/** @type {HTMLElement} */ (item).dataset.at)) item = item.previousElementSibling;
  return item;
}

/** @param {number} at */
function heading(at) {
  const day = clone("day");
  show(/** @type {Element} */ (day.querySelector("time")), at);
  return day;
}

/** Days begin at the reader's midnight, not at that of Greenwich. */
function groupByDay() {
  for (const day of list.querySelectorAll(".day")) day.remove();
  let day;
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(".message"))) {
    const at = Number(item.dataset.at);
    const before = item.previousElementSibling?.matches(".unread") ? item.previousElementSibling : item;
    if (day !== (day = dayNumber(at))) list.insertBefore(heading(at), before);
  }
}

/** Older messages, ascending, above everything. @param {Message[]} messages */
export function prepend(messages) {
  const above = document.createDocumentFragment();
  let day;
  for (const message of messages) {
    const mine = message.senderName === config.you;
    const item = node(message, mine);
    if (mine) tick(item);
    if (day !== (day = dayNumber(Number(item.dataset.at)))) above.append(heading(Number(item.dataset.at)));
    above.append(item);
  }
  const first = /** @type {HTMLElement | null} */ (list.querySelector(".message"));
  if (first && day === dayNumber(Number(first.dataset.at))) list.querySelector(".day")?.remove();
  list.prepend(above);
}

/** The tick of one's own message, until it is seen. @param {HTMLElement} item */
function tick(item) {
  const seq = Number(item.dataset.seq);
  setState(item, seq <= state.read ? "seen" : seq <= state.delivered ? "delivered" : "sent");
  if (seq <= state.read) unseen.delete(item);
  else unseen.add(item);
}

/** The newest of one's own shows its state in words. @param {HTMLElement} item */
function newest(item) {
  if (last === item) return;
  last?.classList.remove("last");
  last = item;
  last.classList.add("last");
}

export function toEnd() {
  scroller.scrollTop = 0;
  showPill(0);
}

/** Writing something is reading what stands above it. */
export function clearDivider() {
  divider?.remove();
  divider = null;
}

/** Something written here that will not be sent. @param {HTMLElement} item */
export function discard(item) {
  pending.delete(item.dataset.id ?? "");
  item.remove();
}

/** @param {number} count */
function showPill(count) {
  below = count;
  pill.hidden = !count;
  if (count) /** @type {Element} */ (pill.firstElementChild).textContent = plural(text.new_messages, count);
}
