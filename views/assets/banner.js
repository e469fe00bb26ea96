// The banner: hidden for a short loss of the connection, shown for a longer one, and with what came in afterwards.

import { fill, plural } from "./fill.js";
import { peerName, text } from "./say.js";
import { byId, config, on, state, yieldFocus } from "./state.js";
import { retry } from "./stream.js";
import { written } from "./times.js";
import { leadsAway } from "./ways.js";

const PATIENCE_MS = 3_000;
/** What was missed arrives within this long. */
const COUNT_MS = 1_500;
const GLAD_MS = 4_000;

const banner = byId("connection");
const words = /** @type {HTMLElement} */ (banner.querySelector("p"));
const button = /** @type {HTMLElement} */ (banner.querySelector("button"));
const way = /** @type {HTMLElement} */ (banner.querySelector("a"));
/** @type {number | undefined} */
let timer;
let arrived = 0;
let shown = false;

export function start() {
  button.addEventListener("click", retry);
  on("connection", change);
  on("messages", (messages) => {
    arrived += messages.filter((/** @type {{ senderName: string }} */ { senderName }) => senderName !== config.you).length;
  });
  for (const what of ["offline", "online"]) addEventListener(what, change);
  for (const what of ["submit", "click"]) addEventListener(what, stay);
}

function change() {
  const now = state.connection;
  if (now === "quiet") return;
  clearTimeout(timer);
  if (now === "lost" || (now === "connecting" && shown)) {
    if (!shown) arrived = 0;
    timer = setTimeout(() => show(navigator.onLine ? text.reconnecting : text.offline, true), shown ? 0 : PATIENCE_MS);
  } else if (now === "session") {
    show(state.replaced ? letIn(state.replaced) : text.session_lost, false);
    way.hidden = false;
  } else if (now === "live" && shown) {
    timer = setTimeout(() => {
      show(arrived ? plural(text.connected_new, arrived) : text.connected, false);
      banner.classList.add("glad");
      timer = setTimeout(hide, GLAD_MS);
    }, COUNT_MS);
  } else hide();
}

/** Without a network neither the next page could be had nor, by the Back button, this one. @param {Event} event */
function stay(event) {
  if (navigator.onLine || state.connection !== "lost" || !leadsAway(event)) return;
  event.preventDefault();
  show(text.offline, true);
}

/** Why the session is over, where somebody else was let in at this seat. @param {number} at */
function letIn(at) {
  return fill(text.session_replaced, { peer: peerName(), user: config.you, when: written(at, "moment") });
}

/** @param {string} what @param {boolean} canTry */
function show(what, canTry) {
  shown = true;
  banner.classList.remove("glad");
  banner.hidden = false;
  words.textContent = what;
  if (!canTry) yieldFocus(button);
  button.hidden = !canTry;
  way.hidden = true;
}

function hide() {
  shown = false;
  yieldFocus(banner).hidden = true;
  words.textContent = "";
}
