// Strips with notices above the messages. The asks have a script of their own.

import { call } from "./api.js";
import { fill } from "./fill.js";
import { peerName, text } from "./say.js";
import { byId, clone, config, emit, on, state, yieldFocus } from "./state.js";

let isAsked = false;

export function start() {
  on("asks", meet);
  on("seat", ({ seat, state: what }) => {
    if (what !== "replaced") return;
    state.asks = [];
    emit("asks");
    strip(fill(seat === config.seat ? text.you_replaced : text.peer_replaced, { peer: peerName() }));
  });
  document.addEventListener("click", (event) => {
    yieldFocus(/** @type {Element} */ (event.target).closest("[data-dismiss]")?.closest(".strip"))?.remove();
  });
}

async function meet() {
  if (isAsked || !(state.asks.length || document.querySelector("#asks form"))) return;
  isAsked = true;
  await import("./asks.js").then(({ start }) => start(), renew);
}

/**
 * An upgraded server may no longer have this page's scripts, and browsers do not fetch one again that failed to load. A new page comes
 * with a form for each ask, which works without its script. The next ask or greeting tries again.
 */
async function renew() {
  isAsked = false;
  if (state.asks.every(({ ask }) => document.querySelector(`[value="${ask}"]`))) return;
  // A page is there to be had. By its link, as messages that are not sent yet wait for it without asking anybody.
  if ((await call("sessions")).ok) /** @type {HTMLElement} */ (document.querySelector(".bar a")).click();
}

/**
 * A line above the messages, until it is closed. Its place is a status, so it is said as well.
 * @param {string} words @param {Element} [former] the line that it replaces; otherwise one of the same words
 */
export function strip(words, former) {
  const place = byId("notices");
  yieldFocus(former ?? [...place.children].find(({ firstElementChild: said }) => said?.textContent === words))?.remove();
  const node = clone("strip");
  /** @type {Element} */ (node.querySelector("p")).textContent = words;
  place.append(node);
  return node;
}
