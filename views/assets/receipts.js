// Receipts. Delivered: this page has the message. Seen: it was in a visible tab.

import { backoffMs, call } from "./api.js";
import { isUp } from "./connection.js";
import { byId, config, on, seen, state } from "./state.js";
import { isLeading } from "./tabs.js";

/** Marks are batched this long; the server stores them up to a second later anyway. */
const GATHER_MS = 300;

/** @type {Set<number>} what of the other person's stands in the scroller right now */
const inView = new Set();
/** The marks sent to the server. */
const told = { delivered: 0, read: config.youRead };
/** @type {number | undefined} */
let timer;
let attempt = 0;

export function start() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const seq = Number(/** @type {HTMLElement} */ (target).dataset.seq);
        if (isIntersecting) inView.add(seq);
        else inView.delete(seq);
        if (seq <= state.youRead) observer.unobserve(target);
      }
      look();
    },
    { root: byId("history") },
  );
  let watched = state.youRead;
  const theirs = byId("messages").getElementsByClassName("theirs");
  // From the end of the list upwards, as far as it is new: it may hold thousands.
  const watch = () => {
    for (let at = theirs.length; at--; ) {
      const seq = Number(/** @type {HTMLElement} */ (theirs[at]).dataset.seq);
      if (seq <= watched) break;
      observer.observe(theirs[at]);
    }
    watched = state.lastSeq;
    later();
  };
  on("messages", watch);
  on("unread", () => state.unread.size || observer.disconnect());
  on("connection", () => isUp() && later());
  document.addEventListener("visibilitychange", look);
  watch();
}

function look() {
  if (document.hidden || !inView.size) return;
  seen(Math.max(...inView));
  inView.clear();
  later();
}

function later(ms = GATHER_MS) {
  timer ??= setTimeout(post, ms);
}

async function post() {
  timer = undefined;
  const delivered = isLeading() ? state.lastSeq : told.delivered;
  const read = state.youRead;
  if (!isUp() || (delivered <= told.delivered && read <= told.read)) return;
  const answer = await call("receipt", { delivered: Math.max(delivered, read), read });
  if (answer.ok) {
    attempt = 0;
    Object.assign(told, { delivered, read });
  } else if (answer.code !== 400) later(answer.retryAfterMs || backoffMs(attempt++));
}
