// What was written and is not yet stored: shown at once, kept in this tab's storage across a reload, sent in order, and sent
// again with the same id until the server has answered. The server stores an id once, so nothing arrives twice.
//
// A browser that duplicates a tab copies its storage. What is in it belongs to the tab that holds its lock, or says that it is
// there, and to another one only when that has gone.

import { backoffMs, call } from "./api.js";
import { isOut } from "./connection.js";
import { hasLocks, hold } from "./locks.js";
import { byMessage, discard, pend, setState } from "./log.js";
import { why } from "./reasons.js";
import { alarm, text } from "./say.js";
import { conversation, isSealed } from "./sealed.js";
import { byId, config, on, state } from "./state.js";
import { ofTab } from "./storage.js";
import { tell } from "./tabs.js";
import { now } from "./times.js";
import { leadsAway } from "./ways.js";

/** @typedef {{ id: string, text: string, at: number, failed?: import("./reasons.js").Failure, tried?: boolean }} Item `text` as it is sent, so sealed in an encrypted chat; `at` by the server's clock */

const KEY = `duet:outbox:${config.base}`;
/** Status codes that sending again would not change. */
const FINAL = [400, 403, 404, 409, 413, 415, 422];
/** A 500 is retried, but not for ever. */
const DEFECT_TRIES = 4;
/** How long an answer may take; doubled for every try. On a dead connection there would never be one. */
const ANSWER_MS = 6_000;
const ANSWER_MS_MAX = 24_000;
/** A page that is reloaded lets go of its lock a little late. */
const RELOAD_MS = 500;
/** Its tab is being reloaded, or gone. */
const GONE_MS = 5_000;

/** Names this tab's lock. */
let owner = newId();
/** @type {Item[]} */
let items = [];
/** @type {Item[]} what another tab holds and this one has a copy of */
let copies = [];
/** Whether `items` are in the tab's storage. */
let kept = false;
let busy = false;
let attempt = 0;
/** @type {number | undefined} */
let again;
/** @type {((owner: string) => void) | undefined} hears of a tab that is there */
let present;
/** Sealing takes a moment, and what is written goes in its order. */
let sealing = Promise.resolve();

export function start() {
  const found = JSON.parse(ofTab.get(KEY) ?? "null");
  on("connection", () => state.connection === "live" && pumpNow());
  on("messages", (messages) => messages.forEach((/** @type {{ id: string }} */ { id }) => done(id)));
  on("stored", (id) => (copies = copies.filter((item) => item.id !== id)));
  on("whose", (asked) => asked === owner && tell("mine", owner));
  on("mine", (named) => present?.(named));
  byId("messages").addEventListener("click", press);
  // A form or a link of this page comes back to it, as another language or logging in again does, and finds what waits.
  for (const what of ["submit", "click"]) addEventListener(what, comeBack);
  // 0.1.0 kept the items alone.
  void own(found && { owner, items: found, ...found });
}

/** @param {{ owner: string, items: Item[] } | null} found */
async function own(found) {
  if (found && !(await isGone(found.owner))) void inherit(found);
  else if (found) {
    owner = found.owner;
    return takeIn(found.items);
  }
  await hold(lockOf(owner));
}

/** Holds the lock of a tab, if that is gone. @param {string} tab @param {LockOptions} [how] @returns {Promise<boolean>} */
async function isGone(tab, how = { signal: AbortSignal.timeout(RELOAD_MS) }) {
  if (hasLocks) return Boolean(await hold(lockOf(tab), how));
  // Without locks, as on a plain address of a local network, the tab itself is asked.
  const answer = new Promise((resolve) => (present = (named) => named === tab && resolve(true)));
  tell("whose", tab);
  return !(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, RELOAD_MS))]));
}

/** @param {{ owner: string, items: Item[] }} found */
async function inherit(found) {
  copies = found.items;
  do {
    if (hasLocks) (await hold(lockOf(found.owner)))?.();
    await new Promise((resolve) => setTimeout(resolve, GONE_MS));
  } while (!(await isGone(found.owner, { ifAvailable: true })));
  takeIn(copies);
}

/** @param {string} owner */
const lockOf = (owner) => `${KEY}:${owner}`;

/** @param {Item[]} found */
async function takeIn(found) {
  copies = [];
  const words = isSealed ? await Promise.all(found.map(({ id, text }) => conversation().read(id, text))) : found.map(({ text }) => text);
  const open = found.filter(({ id }) => !byMessage(id));
  items = [...open, ...items];
  for (const item of open) {
    const node = pend(item.id, words[found.indexOf(item)], item.at);
    if (item.failed) setState(node, "failed", item.failed);
  }
  save();
  pumpNow();
}

/** @param {string} words */
export function send(words) {
  const [id, at] = [newId(), now()];
  // Shown before it is stored, so that the text is on the page even if storing fails.
  pend(id, words, at);
  if (!isSealed) return add({ id, text: words, at });
  sealing = sealing.then(async () => add({ id, text: await conversation().seal(id, words), at })).catch(reportError);
}

/** @param {Item} item */
function add(item) {
  if (state.connection === "over") return;
  items.push(item);
  save();
  void pump();
}

/** What waits behind a message that was not taken is sealed anew, so that nobody misses that one. No ciphertext of it was sent yet. */
async function reseal() {
  conversation().renew();
  for (const item of items.filter(({ failed, tried }) => !failed && !tried)) {
    item.text = await conversation().seal(item.id, await conversation().read(item.id, item.text));
  }
  save();
}

export function clear() {
  clearTimeout(again);
  items = copies = [];
  save();
}

/** A random UUID. `crypto.randomUUID` exists in secure contexts alone; the URL of a blob ends with one everywhere. */
function newId() {
  const url = URL.createObjectURL(new Blob());
  URL.revokeObjectURL(url);
  return url.slice(-36);
}

/** @param {Event} event */
const warn = (event) => event.preventDefault();

/** @param {Event} event */
function comeBack(event) {
  if (kept && leadsAway(event)) removeEventListener("beforeunload", warn);
}

function save() {
  if (items.length) {
    kept = ofTab.set(KEY, JSON.stringify({ owner, items }));
    // The storage goes with the tab. Only while something waits: a page that listens to this is not kept for the Back button.
    addEventListener("beforeunload", warn);
  } else {
    ofTab.remove(KEY);
    removeEventListener("beforeunload", warn);
  }
}

/** @param {string} id */
function done(id) {
  const left = items.filter((item) => item.id !== id);
  if (left.length === items.length) return;
  items = left;
  save();
  tell("stored", id);
}

function pumpNow() {
  clearTimeout(again);
  attempt = 0;
  void pump();
}

async function pump() {
  const item = items.find((one) => !one.failed);
  if (busy || !item || isOut()) return;
  busy = true;
  if (isSealed && !item.tried) {
    item.tried = true;
    save();
  }
  const timestamp = new Date(item.at).toISOString();
  const deadline = Math.min(ANSWER_MS_MAX, ANSWER_MS * 2 ** attempt);
  const answer = await call("message_send", { message: item.text, id: item.id, timestamp }, deadline);
  busy = false;
  const node = byMessage(item.id);
  if (answer.ok) {
    attempt = 0;
    done(item.id);
    // The stream brings its place. Until then it stands at the end, and it is stored.
    if (node?.dataset.state === "sending") setState(node, "sent");
    // Stored long ago, it stands further up than this page goes. What the server says of it is not enough in an encrypted chat.
    if (node && !node.dataset.seq && !isSealed && answer.data.seq <= state.lastSeq) discard(node);
  } else if (FINAL.includes(answer.code) || (answer.code === 500 && attempt >= DEFECT_TRIES)) {
    item.failed = why(answer);
    save();
    if (node) setState(node, "failed", item.failed);
    if (isSealed) sealing = sealing.then(reseal).catch(reportError);
    await sealing;
    alarm(`${text.failed_announce} ${item.failed.reason}`);
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
    delete item.failed;
    setState(node, "sending");
    save();
    void pump();
  } else {
    done(item.id);
    discard(node);
  }
}
