// The visible list: what is in it, in which order, and where the reader stands in it.
//
// The scroller's axis runs upwards: scrollTop is 0 at the end and negative above. So older messages move nothing, and what
// arrives while somebody reads further up is made good by as much as it added.

import { rest } from "./breath.js";
import { fill, plural } from "./fill.js";
import { ahead, behind, box, settle } from "./lots.js";
import { write } from "./rich.js";
import { announce, fillIn, peerName, text } from "./say.js";
import { conversation, isSealed } from "./sealed.js";
import { byId, clone, config, emit, on, state, yieldFocus } from "./state.js";
import { dayNumber, now, refresh, show } from "./times.js";

/** @typedef {import("./state.js").Message} Message */

const list = byId("messages");
const scroller = byId("history");
const pill = byId("pill");
/** This close to the end counts as at the end. */
const END_PX = 48;
const MINUTE_MS = 60_000;
/** A message that ends so close below the upper edge is not what is read. */
const INSIDE_PX = 24;
/** This many of the newest are in no box, because they may still change. */
const NEAR_LEN = 100;
/** So many that come at once are moved in. */
const MOVING_MAX = 3;
/** The pill's label while it shows no number. */
const TO_END = pill.ariaLabel;
/** Arrived below the reader's eyes. */
let below = 0;
/** @type {Set<HTMLElement>} one's own that the other person has not seen */
const unseen = new Set();
/** @type {Map<string, HTMLElement>} by its id, what was written here and has no place yet; it stands at the end of the list */
export const pending = new Map();
/** @type {Element[]} what came last: it may still change */
const near = [];
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
  regroup();
  watchDays();
  for (const node of list.querySelectorAll(".theirs")) {
    const seq = Number(/** @type {HTMLElement} */ (node).dataset.seq);
    if (seq > state.youRead) state.unread.add(seq);
  }
  if (divider && divider.offsetTop < scroller.scrollHeight - scroller.clientHeight) {
    divider.scrollIntoView({ block: "start" });
    showPill(state.unread.size);
  }
  keepPlace();
  pill.addEventListener("click", () => toEnd());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !state.unread.size) clearDivider();
  });
  on("messages", arrive);
  on("peer", welcome);
  on("seat", ({ seat, state: what }) => {
    if (what === "taken" && seat !== config.seat) line(fill(text.joined, { peer: peerName() }), now());
  });
  on("letIn", ({ seat, at }) => {
    const own = seat === config.seat;
    line(fill(own ? text.replaced_you : text.replaced_peer, { peer: peerName(), user: own ? config.you : peerName() }), at);
  });
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('.mine:not([data-state="seen"])'))) unseen.add(item);
  on("marks", () => unseen.forEach(tick));
}

/** @type {WeakMap<Message, HTMLElement>} the items of messages that are about to come into the page */
const prepared = new WeakMap();

/** Makes the items of many messages, with rests between. Outside the page nothing has to be laid out for them. @param {Message[]} messages */
export async function prepare(messages) {
  for (const message of messages) {
    await rest();
    if (!pending.has(message.id)) prepared.set(message, node(message));
  }
}

/** @param {Message} message */
export const itemOf = (message) => prepared.get(message) ?? node(message);

/** @param {Message} message */
function node(message) {
  const mine = message.senderName === config.you;
  const at = Date.parse(message.timestamp);
  const item = clone(mine ? "mine" : "theirs");
  Object.assign(item.dataset, { id: message.id, at: String(at) });
  if (message.seq) Object.assign(item.dataset, { seq: String(message.seq), seat: String(mine ? config.seat : 3 - config.seat) });
  fillIn(item, { peer: message.senderName });
  write(/** @type {HTMLElement} */ (item.querySelector(".text")), message.message);
  show(/** @type {Element} */ (item.querySelector("time")), at);
  if (isSealed) conversation().dress(item, message);
  return item;
}

/** Something written here, shown before the server has it. @param {string} id @param {string} words @param {number} at */
export function pend(id, words, at) {
  const item = node({ seq: 0, id, senderName: config.you, message: words, timestamp: new Date(at).toISOString() });
  document.getElementById("empty")?.remove();
  const before = lastBefore(null);
  list.append(item);
  regroup(before);
  pending.set(id, item);
  newest(item);
  toEnd();
  return item;
}

/** Something that happened between messages. @param {string} words @param {number} at */
function line(words, at) {
  const item = clone("line");
  item.dataset.at = String(at);
  fillIn(item, { words });
  show(/** @type {Element} */ (item.querySelector("time")), at);
  const before = lastBefore(firstPending());
  list.insertBefore(item, firstPending());
  regroup(before);
}

/** The other person is here: what was said to nobody goes. */
function welcome() {
  if (!state.joined) return;
  yieldFocus(document.getElementById("nobody"))?.remove();
  const empty = document.getElementById("empty");
  if (empty) empty.hidden = false;
}

/**
 * @param {HTMLElement} item @param {"sending" | "sent" | "delivered" | "seen" | "failed"} is
 * @param {{ reason?: string, final?: boolean }} [why] of a failure, and whether trying again cannot help
 */
export function setState(item, is, { reason = "", final = false } = {}) {
  if (item.dataset.state !== is) {
    item.dataset.state = is;
    /** @type {HTMLElement} */ (item.querySelector(".tick-word")).textContent = text[is];
  }
  const failed = /** @type {HTMLElement | null} */ (item.querySelector(".failed"));
  if (!failed) return;
  failed.hidden = is !== "failed";
  /** @type {HTMLElement} */ (failed.querySelector(".reason")).textContent = reason;
  /** @type {HTMLElement} */ (failed.querySelector("[data-retry]")).hidden = final;
}

/** New messages, in order. Those written in this tab are here already and only get their place. @param {Message[]} messages */
function arrive(messages) {
  const stay = !atEnd();
  const anchor = lastBefore(firstPending());
  const before = stay ? list.getBoundingClientRect().height : 0;
  const looking = !document.hidden && !stay;
  const theirs = [];
  // All at once: every single one that is put into the page makes the browser look at its neighbours.
  const batch = document.createDocumentFragment();
  const put = () => list.insertBefore(batch, firstPending());
  for (const message of messages) {
    const mine = message.senderName === config.you;
    const written = pending.get(message.id);
    const item = written ?? itemOf(message);
    if (written) {
      put();
      // Stored in another order than written, because one of them had to be sent again: the server's order counts.
      if (written !== firstPending()) item.remove();
      pending.delete(message.id);
      Object.assign(item.dataset, { seq: String(message.seq), seat: String(config.seat), at: String(Date.parse(message.timestamp)) });
      show(/** @type {Element} */ (item.querySelector("time")), Date.parse(message.timestamp));
      if (isSealed) conversation().dress(item, message);
    }
    if (!mine) {
      theirs.push(message.message);
      if (!looking && !divider && state.unread.has(message.seq)) batch.append((divider = clone("unread")));
    }
    if (!item.isConnected) batch.append(item);
    near.push(item);
    // Each that moves is a layer of its own while it does: one by one they are seen, a crowd only holds up the page.
    if (!written && messages.length <= MOVING_MAX) item.classList.add("fresh");
    if (mine) {
      tick(item);
      if (!firstPending()) newest(item);
    }
  }
  put();
  regroup(anchor);
  if (near.length > 2 * NEAR_LEN) settle(box(near.splice(0, near.length - NEAR_LEN)), stay);
  document.getElementById("empty")?.remove();
  announce(theirs);
  if (stay) {
    scroller.scrollTop -= list.getBoundingClientRect().height - before;
    showPill(below + theirs.length);
  }
}

/** @param {Element | null} next */
function lastBefore(next) {
  let item = ahead(next);
  while (item && !item.dataset.at) item = ahead(item);
  return item;
}

/**
 * Headings where a day begins, at the reader's midnight and not at that of Greenwich, and one time for what was said within a
 * minute. After every change, from where it begins to where it ends.
 * @param {HTMLElement | null} [from] the last item ahead of it that stands right
 * @param {Element | null} [to] the first item behind it
 */
export function regroup(from = null, to = null) {
  let day = from ? dayNumber(Number(from.dataset.at)) : NaN;
  let last = from;
  /** @type {Element | null} a heading that nothing stands below yet */
  let heading = null;
  /** @type {Element | null} the line of the unread part, which stands below the heading of its day */
  let line = null;
  for (let item = behind(from); item; ) {
    const next = behind(item);
    const at = Number(item.dataset.at);
    if (item.matches(".day")) {
      heading?.remove();
      heading = item;
    } else if (!at) line = item;
    else {
      if (dayNumber(at) !== day) {
        heading ??= clone("day");
        const time = /** @type {HTMLTimeElement} */ (heading.querySelector("time"));
        const below = line ?? item;
        const before = below.previousElementSibling ? below : (below.closest(".lot") ?? below);
        show(time, at);
        // What is moved is laid out anew, where it stood already as well.
        if (heading.nextElementSibling !== before) before.before(heading);
      } else heading?.remove();
      heading = line = null;
      day = dayNumber(at);
      if (last) join(last, item);
      if (item === to) return;
      last = item;
    }
    item = next;
  }
  heading?.remove();
  last?.classList.remove("run", "leans");
}

/** Whether one voice goes on right below, and whether within the minute. @param {HTMLElement} one @param {HTMLElement} next */
function join(one, next) {
  const minute = (/** @type {HTMLElement} */ item) => Math.floor(Number(item.dataset.at) / MINUTE_MS);
  const goesOn = ["mine", "theirs"].some((side) => one.classList.contains(side) && next.classList.contains(side));
  one.classList.toggle("leans", goesOn && behind(one) === next);
  one.classList.toggle("run", goesOn && minute(one) === minute(next));
}

/** "Today" is another day from midnight on, by the server's clock; in another zone days begin elsewhere. */
function watchDays() {
  const look = () => `${dayNumber(now())} ${new Date().getTimezoneOffset()}`;
  let today = look();
  on("clock", () => {
    if (look() === today) return;
    today = look();
    refresh();
    regroup();
    // When the other person was last seen, too.
    emit("peer");
  });
}

/** Lines are as wide as the window: when that changes, as a phone is turned, what is read is put back to where it was. */
function keepPlace() {
  let width = scroller.clientWidth;
  /** @type {{ item: Element, top: number } | undefined} */
  let reading;
  const top = (/** @type {Element} */ item) => item.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const look = () => {
    frame = 0;
    showPill(atEnd() ? 0 : below);
    // Of the dates that stay in sight while their days scroll by, the one that the next comes up to goes.
    [...list.getElementsByClassName("day")].reduceRight((next, day) => {
      const { top, bottom } = day.getBoundingClientRect();
      day.classList.toggle("past", bottom > next);
      return top;
    }, Infinity);
    // Already turned, and not yet put back.
    if (scroller.clientWidth !== width) return;
    reading = undefined;
    if (atEnd()) return;
    const start = scroller.getBoundingClientRect().top + INSIDE_PX;
    let item = firstBelow(list.querySelectorAll(":scope > :is(.message, .lot)"), start);
    if (item?.matches(".lot")) item = firstBelow(item.children, start);
    if (item) reading = { item, top: top(item) };
  };
  let frame = 0;
  const soon = () => (frame ||= requestAnimationFrame(look));
  scroller.addEventListener("scroll", soon, { passive: true });
  // At the end nothing is scrolled, and what arrives moves everything above it.
  new ResizeObserver(soon).observe(list);
  new ResizeObserver(() => {
    if (scroller.clientWidth === width) return;
    width = scroller.clientWidth;
    // Their size is another one now.
    const settled = [...list.querySelectorAll(".settled")];
    for (const item of settled) item.classList.remove("settled");
    settle(settled, true);
    if (reading?.item.isConnected) scroller.scrollTop += top(reading.item) - reading.top;
  }).observe(scroller);
}

/**
 * The first of these that ends below a line of the screen. By halves: what stands at a point, the browser would look for among all.
 * @param {ArrayLike<Element>} items @param {number} line
 */
function firstBelow(items, line) {
  let [at, end] = [0, items.length];
  while (at < end) {
    const middle = (at + end) >> 1;
    if (items[middle].getBoundingClientRect().bottom < line) at = middle + 1;
    else end = middle;
  }
  return items[at];
}

/** Sets the tick of an own message, until it is seen. @param {HTMLElement} item */
export function tick(item) {
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

/** Whoever writes has read what is above. */
export function clearDivider() {
  if (!divider) return;
  const [before, next] = [lastBefore(divider), behind(divider)];
  divider.remove();
  divider = null;
  regroup(before, next);
}

/** Something written here that will not be sent. @param {HTMLElement} item */
export function discard(item) {
  pending.delete(item.dataset.id ?? "");
  const before = lastBefore(item);
  item.remove();
  regroup(before);
}

/** The way to the newest message, for whoever reads further up. @param {number} count what has come in below */
function showPill(count) {
  below = count;
  const isIdle = !count && atEnd();
  if (isIdle) yieldFocus(pill);
  pill.hidden = isIdle;
  /** @type {Element} */ (pill.firstElementChild).textContent = count ? plural(text.new_messages, count) : "";
  pill.ariaLabel = count ? null : TO_END;
}
