// The stream of events: opened by the leading tab, watched for silence, and told on to the other tabs.

import { backoffMs, dropSockets } from "./api.js";
import { become, isOut } from "./connection.js";
import { apply, catchUp, EVENTS, snapshot } from "./events.js";
import { hasLocks } from "./locks.js";
import { free, slot } from "./slots.js";
import { config, emit, on, state } from "./state.js";
import { isLeading, resign, stand, start as share, suspect, tell } from "./tabs.js";

/** The server sends something every 15 s. */
const QUIET_MS = 20_000;
const LOST_MS = 40_000;
/** How soon an answer is due when there is doubt about the connection; doubled for every try that failed, up to the other. */
const ANSWER_MS = 5_000;
const ANSWER_MS_MAX = 20_000;
/** A stream with an event this recent is not checked. */
const FRESH_MS = 5_000;
/** Without a slot: the pause between two streams, shorter than the server's before it says that somebody has gone. */
const SIP_EVERY_MS = 2_500;
/** Nothing for so long: such a stream has said what there was. */
const SIPPED_MS = 300;
const ARM_EVERY_MS = 100;
/** A jump of the clock by this much means that the machine slept, or the clock was set. */
const LEAP_MS = 15_000;

/** @type {EventSource | undefined} */
let source;
/** @type {number | undefined} what happens next, if the stream does not say anything */
let timer;
let attempt = 0;
/** Counts openings, so that one which waited for its slot knows whether it is still wanted. */
let opening = 0;
let heardAt = 0;
/** When the timer was last set because something was heard. */
let armedAt = -Infinity;
/** Whether the stream stays open. */
let whole = true;

export function start() {
  share(hear, { begin, end });
  tell("join");
  on("connection", changed);
  on("timeout", () => {
    // What is doubtful or lost is being looked after.
    if (state.connection !== "live") return;
    dropSockets();
    if (isLeading()) doubt();
    else tell("doubt");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake();
    else if (!hasLocks && isLeading()) void open();
  });
  document.addEventListener("resume", wake);
  addEventListener("online", wake);
  addEventListener("offline", () => {
    become("lost");
    if (!isLeading()) return;
    // What still comes from an old connection would say that all is well.
    close();
    next(open, backoffMs(attempt++));
  });
  let tick = Date.now();
  setInterval(() => {
    const leapt = Math.abs(Date.now() - tick) > LEAP_MS;
    tick = Date.now();
    if (leapt && !document.hidden && isLeading()) void ask();
  }, ANSWER_MS);
}

/** What another tab says. @param {string} word @param {any} detail */
function hear(word, detail) {
  if (["answered", "stored", "whose", "mine"].includes(word)) emit(word, detail);
  else if (state.connection === "session") {
    // Another tab may be logged in again; the answer to a question leads out of here.
    if (word === "join" || word === "hello") void catchUp();
  } else if (word === "check") void catchUp();
  else if (!isLeading()) {
    if (EVENTS.includes(word)) apply(word, detail);
    else if (word === "connection") become(detail);
  } else if (word === "retry") retry();
  else if (word === "doubt") doubt();
  else if (word === "join") {
    tell("hello", snapshot());
    tellState();
  }
}

/** A doubt is the leader's: the others show what they know. */
const tellState = () => tell("connection", state.connection === "quiet" ? "live" : state.connection);

function changed() {
  const now = state.connection;
  if (isOut()) {
    resign();
    if (now === "session") tell("check");
  } else if (now === "connecting") {
    attempt = 0;
    stand();
    tell("join");
  } else if (isLeading() && now !== "quiet") tellState();
}

function begin() {
  attempt = 0;
  // What the leader before this one knew is no more than likely.
  become("quiet");
  void open();
}

function end() {
  close();
  free();
}

/** Tries at once: somebody pressed the button, or another tab has found the server. */
export function retry() {
  if (!isLeading()) tell("retry");
  else if (state.connection !== "live") {
    attempt = 0;
    void open();
  }
}

function close() {
  opening++;
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

/** @param {() => void} then @param {number} ms */
function next(then, ms) {
  armedAt = -Infinity;
  clearTimeout(timer);
  timer = setTimeout(then, ms);
}

async function open() {
  close();
  const mine = opening;
  whole = await slot();
  if (mine !== opening || !isLeading()) return;
  const made = new EventSource(`${config.base}/stream?after=${state.lastSeq}`);
  source = made;
  for (const name of EVENTS) {
    made.addEventListener(name, (event) => {
      const { data } = /** @type {MessageEvent} */ (event);
      heard();
      // Messages are read, and told to the other tabs, when they are taken in.
      if (name === "message") return apply(name, data);
      const detail = JSON.parse(data);
      apply(name, detail);
      tell(name, detail);
    });
  }
  made.onerror = () => {
    if (source !== made) return;
    become("lost");
    // While it is connecting the browser tries by itself, with the server's own delay. Closed is for good: an answer other
    // than 200, be it a balancer's 502, a 401, or the 204 of a chat that ended. Asking for history tells them apart.
    if (made.readyState !== EventSource.CLOSED) return expectHello();
    close();
    void catchUp();
    next(open, backoffMs(attempt++));
  };
  expectHello();
}

function expectHello() {
  next(lose, Math.min(ANSWER_MS_MAX, ANSWER_MS * 2 ** attempt));
}

function heard() {
  attempt = 0;
  heardAt = Date.now();
  become("live");
  // A replay is thousands of events in one task: the timer need not be set for each.
  if (performance.now() - armedAt < ARM_EVERY_MS) return;
  if (whole) next(ask, QUIET_MS);
  else next(() => (close(), next(open, SIP_EVERY_MS)), SIPPED_MS);
  armedAt = performance.now();
}

/** The stream says nothing, and sockets may be dead without having noticed: a new one will show. */
function lose() {
  become("lost");
  if (!attempt) dropSockets();
  void catchUp();
  close();
  next(open, attempt ? backoffMs(attempt) : 0);
  attempt++;
}

/** A ping is late. Who gets no answer, or messages that the stream should have brought, needs another stream. */
async function ask() {
  if (state.connection !== "live" || !whole) return;
  const [asked, at, before] = [source, heardAt, state.lastSeq];
  become("quiet");
  next(lose, LOST_MS - QUIET_MS);
  const answered = await catchUp(ANSWER_MS);
  if (source === asked && heardAt === at && (!answered || state.lastSeq > before)) lose();
}

/** The stream may be dead. Another one, which has to answer soon, tells. */
function doubt() {
  const age = Date.now() - heardAt;
  if (state.connection === "live" && age >= 0 && age < FRESH_MS) return;
  attempt = 0;
  become("quiet");
  void open();
}

/** Somebody looks at the page again, or there is a network again. */
function wake() {
  if (state.connection === "over") return;
  void catchUp(ANSWER_MS);
  if (state.connection === "session") return;
  if (isLeading()) doubt();
  else {
    // Frozen, it had left the lead to others.
    stand();
    tell("doubt");
    tell("join");
    suspect();
  }
}
