// Events of the chat: from the server in the leading tab, from that tab in the others. Whatever way they come, every message
// is taken once and in order, and a gap is read from the history.

import { backoffMs, call } from "./api.js";
import { config, connect, emit, seen, state } from "./state.js";
import { inOneTab, isLeading, listen, tell } from "./tabs.js";

const EVENTS = ["hello", "message", "presence", "typing", "receipt", "seat", "ended"];
/** How long a replay may take before a tab fetches what it lacks. */
const SETTLE_MS = 1_500;
const PAGE_LEN = 200;

/** @type {EventSource | undefined} */
let source;
/** @type {number | undefined} */
let again;
/** @type {number | undefined} */
let settling;
let attempt = 0;
/** @type {Promise<void> | undefined} */
let catching;

export function start() {
  listen((word, detail) => {
    if (EVENTS.includes(word)) apply(word, detail);
    else if (word === "connection" && !isLeading()) connect(detail);
    else if (word === "retry" && isLeading()) retry();
    else if (word === "join" && isLeading()) {
      tell("hello", snapshot());
      tell("connection", state.connection);
    } else if (word === "answered") emit(word, detail);
    else if (word === "over" || word === "out") emit(word, { ...detail, told: true });
  });
  inOneTab((stopped) => {
    stopped.addEventListener("abort", close);
    open();
  });
  tell("join");
  document.addEventListener("visibilitychange", () => document.hidden || wake());
  addEventListener("online", wake);
  addEventListener("offline", () => connect("lost"));
}

/** Tries at once: somebody pressed the button, or the network is back. */
export function retry() {
  if (!isLeading()) tell("retry");
  else if (source?.readyState !== EventSource.OPEN) {
    attempt = 0;
    open();
  }
}

function close() {
  clearTimeout(again);
  source?.close();
  source = undefined;
}

function open() {
  close();
  // There is nothing to be had without a session; the page shows the way back in.
  if (state.connection === "over" || state.connection === "session") return;
  const mine = new EventSource(`${config.base}/stream?after=${state.lastSeq}`);
  source = mine;
  for (const name of EVENTS) {
    mine.addEventListener(name, (event) => {
      const detail = JSON.parse(/** @type {MessageEvent} */ (event).data);
      if (name === "hello") opened();
      apply(name, detail);
      tell(name, detail);
    });
  }
  mine.onerror = () => {
    if (source !== mine) return;
    setConnection("lost");
    // While it is connecting the browser tries by itself, with the server's own delay. Closed is for good: an answer other
    // than 200, be it a balancer's 502, a 401, or the 204 of a chat that ended. Asking for history tells them apart.
    if (mine.readyState !== EventSource.CLOSED) return;
    source = undefined;
    void catchUp();
    again = setTimeout(open, backoffMs(attempt++));
  };
}

function opened() {
  attempt = 0;
  setConnection("open");
}

/** @param {"open" | "lost"} connection */
function setConnection(connection) {
  connect(connection);
  tell("connection", state.connection);
}

/** Looking at the page again: a socket that slept may be dead without having noticed. */
async function wake() {
  const before = state.lastSeq;
  await catchUp();
  if (!isLeading()) tell("join");
  else if (state.connection === "over" || state.connection === "session") return;
  else if (state.lastSeq > before || source?.readyState !== EventSource.OPEN || state.connection === "lost") {
    attempt = 0;
    open();
  }
}

/** Reads what came after the last message that this page has. One at a time. */
export function catchUp() {
  catching ??= readOn().finally(() => {
    catching = undefined;
  });
  return catching;
}

async function readOn() {
  for (let more = true; more; ) {
    const answer = await call(`messages?after=${state.lastSeq}&limit=${PAGE_LEN}`);
    if (!answer.ok) return;
    take(answer.data.messages);
    more = answer.data.more && answer.data.messages.length > 0;
  }
}

/** @type {import("./state.js").Message[]} */
let gathered = [];

/**
 * A replay comes as thousands of events; the page takes in at once what came in one breath.
 * @param {import("./state.js").Message} message
 */
function gather(message) {
  if (gathered.push(message) > 1) return;
  setTimeout(() => {
    const messages = gathered;
    gathered = [];
    take(messages);
  });
}

/** @param {import("./state.js").Message[]} messages ascending */
function take(messages) {
  const fresh = messages.filter((message) => message.seq > state.lastSeq);
  if (!fresh.length) return;
  if (fresh[0].seq > state.lastSeq + 1) {
    void catchUp();
    return;
  }
  state.lastSeq = fresh[fresh.length - 1].seq;
  for (const { seq, senderName } of fresh) if (senderName !== config.you && seq > state.youRead) state.unread.add(seq);
  emit("messages", fresh);
  emit("unread");
}

/** What a tab that joins needs to know, in the shape of the server's own greeting. */
function snapshot() {
  const { peer, joined, online, lastSeen, lastSeq, expiresAt, delivered, read, youRead, asks } = state;
  const other = 3 - config.seat;
  return {
    peer,
    peerState: joined ? "taken" : "named",
    online,
    lastSeen: lastSeen && new Date(lastSeen).toISOString(),
    lastSeq,
    delivered: { [other]: delivered },
    read: { [other]: read, [config.seat]: youRead },
    expiresAt: new Date(expiresAt).toISOString(),
    asks,
  };
}

/** @param {string | null | undefined} instant */
const toMs = (instant) => (instant ? Date.parse(instant) : null);

/** @param {string} name @param {any} event */
function apply(name, event) {
  const own = event.seat === config.seat;
  switch (name) {
    case "hello":
      state.peer = event.peer;
      // Who logged out has joined all the same.
      state.joined = event.peerState === "taken" || event.peerState === "left";
      state.online = event.online;
      state.lastSeen = toMs(event.lastSeen);
      state.expiresAt = toMs(event.expiresAt) ?? state.expiresAt;
      mark(3 - config.seat, event.delivered, event.read);
      seen(event.read?.[config.seat] ?? 0);
      clearTimeout(settling);
      settling = setTimeout(() => event.lastSeq > state.lastSeq && catchUp(), SETTLE_MS);
      state.asks = event.asks ?? [];
      emit("asks");
      emit("peer");
      break;
    case "message":
      gather(event);
      break;
    case "presence":
      if (own) break;
      state.online = event.online;
      state.lastSeen = toMs(event.lastSeen) ?? state.lastSeen;
      emit("peer");
      break;
    case "typing":
      if (!own) emit("typing");
      break;
    case "receipt":
      if (own) seen(event.read ?? 0);
      else mark(event.seat, { [event.seat]: event.delivered }, { [event.seat]: event.read });
      break;
    case "seat":
      if (event.state === "asking") {
        state.asks.push(event);
        emit("asks");
      } else {
        // A second device takes a seat that is taken already: nobody needs to hear of it.
        if (event.state === "taken" && (own || state.joined)) break;
        if (!own && event.state !== "left") {
          state.peer = event.user ?? state.peer;
          state.joined ||= event.state === "taken";
        }
        emit("peer");
        emit("seat", event);
      }
      break;
    case "ended":
      emit("over", { by: event.by });
  }
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
