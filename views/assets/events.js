// Applies events of the chat, from the stream, other tabs or the history: every message once and in order; gaps are read from the
// history.

import { backoffMs, call } from "./api.js";
import { breathe } from "./breath.js";
import { isOut } from "./connection.js";
import { prepare } from "./log.js";
import { conversation, isSealed, refuse } from "./sealed.js";
import { config, emit, seen, state } from "./state.js";
import { isLeading, tell } from "./tabs.js";
import { now } from "./times.js";

/** How long a replay may take before a tab fetches what it lacks. */
const SETTLE_MS = 1_500;
const PAGE_LEN = 200;
/** How long an asking lives. */
const ASK_MS = 120_000;

/** @type {number | undefined} */
let settling;
/** How often in a row reading the history failed. */
let refused = 0;
/** @type {Promise<number> | undefined} */
let catching;

/** Reads what came after the last message that this page has. One at a time. @param {number} [deadlineMs] @returns the last answer's code: 200 when all was read */
export function catchUp(deadlineMs) {
  catching ??= readOn(deadlineMs).finally(() => {
    catching = undefined;
  });
  return catching;
}

/** @param {number} [deadlineMs] */
async function readOn(deadlineMs) {
  for (;;) {
    const { ok, code, data } = await call(`messages?after=${state.lastSeq}&limit=${PAGE_LEN}`, undefined, deadlineMs);
    if (!ok) return code;
    await take(data.messages, true);
    if (!data.more || !data.messages.length) return code;
  }
}

/** @type {(import("./state.js").Message | string)[]} */
const gathered = [];

/**
 * A replay comes as thousands of events in one task: what comes in one breath is taken in together, and read only then.
 * @param {import("./state.js").Message | string} message or its JSON
 */
function gather(message) {
  if (gathered.push(message) === 1) void breathe().then(flush);
}

function flush() {
  const messages = gathered.splice(0, PAGE_LEN).map(read).filter(Boolean);
  if (gathered.length) void breathe().then(flush);
  if (isLeading()) for (const message of messages) tell("message", message);
  void take(messages);
}

/** One that cannot be parsed does not stop the others. @param {import("./state.js").Message | string} given */
function read(given) {
  try {
    return typeof given === "string" ? JSON.parse(given) : given;
  } catch (error) {
    reportError(error);
  }
}

/** What comes next waits until those before it stand in the page. */
let turn = Promise.resolve();

/** @param {import("./state.js").Message[]} messages ascending @param {boolean} [isHistory] whatever is not in it does not come any more */
const take = (messages, isHistory = false) => (turn = turn.then(() => takeIn(messages, isHistory)).catch(reportError));

/** So many are put into the page at once: the longer the list, the more a browser does whenever something joins it. */
const LOT_LEN = 200;

/** @param {import("./state.js").Message[]} messages @param {boolean} isHistory */
async function takeIn(messages, isHistory) {
  const fresh = lacking(messages, isHistory);
  for (let at = 0; at < fresh.length; at += LOT_LEN) {
    const lot = fresh.slice(at, at + LOT_LEN);
    const opened = isSealed ? await conversation().open(lot) : lot;
    if (lot.length > 1) await prepare(opened);
    arrive(opened);
    await breathe();
  }
}

/** What of it comes next. @param {import("./state.js").Message[]} messages @param {boolean} isHistory */
function lacking(messages, isHistory) {
  // In an encrypted chat nothing is left out because of the number that the server gave to it.
  const fresh = messages.filter((one) => (isSealed ? one && !conversation().knows(one) : one.seq > state.lastSeq));
  if (isHistory) return fresh;
  // Events may bring a message twice before it is taken in, or ahead of one that comes with it.
  const places = fresh.map(({ id, seq }) => `${id} ${seq}`);
  const once = fresh.filter((_, at) => places.indexOf(places[at] ?? "") === at);
  if (once.every(({ seq }, at) => !(seq > state.lastSeq + 1 + at))) return once;
  void fill(once);
  return [];
}

/** Reads what lies ahead of messages that came too early, however often that is refused. @param {import("./state.js").Message[]} early */
async function fill(early) {
  // One that is under way may have been answered before these were stored.
  await catching;
  const isRead = (await catchUp()) === 200;
  if (isRead) await take(early, true);
  clearTimeout(settling);
  refused = isRead ? 0 : refused + 1;
  // Logged in again the page asks by itself.
  if (!isRead && !isOut()) settling = setTimeout(fill, backoffMs(refused), early);
}

/** @param {import("./state.js").Message[]} fresh */
function arrive(fresh) {
  if (!fresh.length || state.connection === "over") return;
  state.lastSeq = Math.max(state.lastSeq, fresh[fresh.length - 1].seq);
  for (const { seq, senderName } of fresh) if (senderName !== config.you && seq > state.youRead) state.unread.add(seq);
  emit("messages", fresh);
  emit("unread");
}

/** What a tab that joins needs to know, in the shape of the server's own greeting, with instants as Unix milliseconds. */
export function snapshot() {
  const other = 3 - config.seat;
  return {
    ...state,
    encryption: config.encryption?.version,
    peerState: state.joined ? "taken" : "named",
    delivered: { [other]: state.delivered },
    read: { [other]: state.read, [config.seat]: state.youRead },
    replacedAt: Object.fromEntries(state.letIn),
  };
}

/** The server writes instants, another tab counts milliseconds. @param {string | number | null | undefined} instant */
const toMs = (instant) => (instant ? +new Date(instant) : null);

/**
 * What each event of the stream does to this page.
 * @type {Record<string, (event: any, own: boolean) => void>}
 */
const handlers = {
  hello(event) {
    if (event.encryption !== config.encryption?.version) return refuse("downgraded");
    state.peer = event.peer;
    // Who logged out has joined all the same.
    state.joined = event.peerState === "taken" || event.peerState === "left";
    state.online = event.online;
    state.lastSeen = toMs(event.lastSeen);
    state.expiresAt = toMs(event.expiresAt) ?? state.expiresAt;
    mark(3 - config.seat, event.delivered, event.read);
    seen(event.read?.[config.seat] ?? 0);
    clearTimeout(settling);
    settling = setTimeout(() => event.lastSeq > state.lastSeq && fill([]), SETTLE_MS);
    for (const seat of [1, 2]) wasLetIn(seat, toMs(event.replacedAt?.[seat]));
    state.asks = event.asks ?? [];
    emit("asks");
    emit("peer");
  },
  message: gather,
  presence(event, own) {
    if (own) return;
    state.online = event.online;
    state.lastSeen = toMs(event.lastSeen) ?? state.lastSeen;
    emit("peer");
  },
  typing(_, own) {
    if (!own) emit("typing");
  },
  receipt(event, own) {
    if (own) seen(event.read ?? 0);
    else mark(event.seat, { [event.seat]: event.delivered }, { [event.seat]: event.read });
  },
  seat(event, own) {
    if (event.state === "asking") {
      // A seat has one open ask, the newest.
      const expiresAt = new Date(now() + ASK_MS).toISOString();
      state.asks = [...state.asks.filter(({ seat }) => seat !== event.seat), { expiresAt, ...event }];
      emit("asks");
      return;
    }
    // A second device at a seat that is taken already is not announced.
    if (event.state === "taken" && (own || state.joined)) return;
    if (!own && event.state !== "left") {
      state.peer = event.user ?? state.peer;
      state.joined ||= event.state === "taken";
    }
    emit("peer");
    emit("seat", event);
  },
  ended: (event) => emit("over", { by: event.by }),
  // It has no content.
  ping() {},
};

export const EVENTS = Object.keys(handlers);

/** @param {string} name one of `EVENTS` @param {any} event */
export function apply(name, event) {
  if (event) handlers[name](event, event.seat === config.seat);
}

/** Somebody else was let in at a seat, as the greeting says after it happened. @param {number} seat @param {number | null} at */
function wasLetIn(seat, at) {
  if (!at || at <= (state.letIn.get(seat) ?? 0)) return;
  state.letIn.set(seat, at);
  emit("letIn", { seat, at });
}

/**
 * The other person's marks move forward only.
 * @param {number} seat @param {Record<number, number> | undefined} delivered @param {Record<number, number> | undefined} read
 */
function mark(seat, delivered, read) {
  const before = state.delivered + state.read;
  state.delivered = Math.max(state.delivered, delivered?.[seat] ?? 0);
  state.read = Math.max(state.read, read?.[seat] ?? 0);
  if (state.delivered + state.read > before) emit("marks");
}
