// Who is there: the line under the name, and typing.

import { isUp } from "./connection.js";
import { fill } from "./fill.js";
import { peerName, status, text } from "./say.js";
import { byId, config, on, state } from "./state.js";
import { written } from "./times.js";

/** Shown after this long, so that a short answer does not flicker; gone after this long without a sign. */
const SHOW_MS = 1_000;
const SAY_MS = 2_000;
const GONE_MS = 5_000;
/** A stream that reconnects within this time is not announced. */
const DOWN_MS = 1_000;

/** @type {number[]} */
let timers = [];
let since = 0;
/** Our own stream is down, so the other person's state is unknown. */
let down = false;
/** @type {number | undefined} */
let falling;

export function start() {
  on("peer", showPeer);
  on("typing", () => typing());
  on("messages", (messages) => {
    if (messages.some((/** @type {{ senderName: string }} */ { senderName }) => senderName !== config.you)) stop();
  });
  on("connection", connection);
  falling = setTimeout(fall, DOWN_MS);
  on("seat", ({ seat, state: what, user }) => {
    const words = { taken: text.joined, left: text.left, named: text.named }[/** @type {string} */ (what)];
    if (seat !== config.seat && words) status(fill(words, { peer: user ?? peerName() }));
  });
}

function connection() {
  if (state.connection === "quiet") return;
  clearTimeout(falling);
  if (isUp()) {
    down = false;
    showPeer();
  } else {
    stop();
    // Whoever is logged out here is told so at once; a stream may be back before it is missed.
    if (state.connection === "session") fall();
    else falling = setTimeout(fall, DOWN_MS);
  }
}

function fall() {
  down = true;
  showPeer();
}

/** @param {string} name */
const first = (name) => ("Segmenter" in Intl ? [...new Intl.Segmenter().segment(name)][0].segment : [...name][0]);

/** In place of the logo, as soon as there is a name. */
function showInitial() {
  const avatar = byId("avatar");
  if (!state.peer || !avatar.querySelector("svg")) return;
  // By grapheme clusters: a letter with its marks counts as one.
  avatar.textContent = first(state.peer).toUpperCase();
}

function showPeer() {
  byId("peer").textContent = peerName();
  showInitial();
  const line = byId("presence");
  const when = state.lastSeen && written(state.lastSeen, "moment");
  if (down) line.textContent = state.connection === "session" ? text.unknown : text.connecting;
  else if (!state.joined) line.textContent = text.not_joined;
  else if (state.online) line.textContent = text.online;
  else if (when) line.textContent = text.last_seen.replace("{when}", when);
  else line.textContent = state.online === null ? text.unknown : text.away;
  line.toggleAttribute("data-online", !down && state.joined && state.online === true);
  if (!state.online) stop();
}

function typing() {
  const now = Date.now();
  if (!since) since = now;
  for (const timer of timers) clearTimeout(timer);
  const words = fill(text.typing, { peer: peerName() });
  timers = [
    setTimeout(() => (byId("typing").textContent = words), since + SHOW_MS - now),
    setTimeout(stop, GONE_MS),
  ];
  // Once per stretch of typing: a listener is not told again with every keystroke.
  if (byId("status").textContent !== words) timers.push(setTimeout(() => status(words), since + SAY_MS - now));
}

function stop() {
  for (const timer of timers) clearTimeout(timer);
  timers = [];
  since = 0;
  if (!byId("typing").textContent) return;
  byId("typing").textContent = "";
  status("");
}
