// The tabs of one person's chat share one stream: the tab that holds a Web Lock leads, keeps the stream and tells the others over
// a BroadcastChannel. Where there are no locks, every tab leads.

import { hasLocks } from "./locks.js";
import { config, emit } from "./state.js";

const NAME = `duet:${config.base}`;
/** Held by every tab that somebody looks at. */
const LOOKED_AT = `${NAME}:looked at`;
/** A leader says something every 15 s, as the server does. One that says nothing for so long is asked whether it is there. */
const SILENCE_MS = 40_000;
/** A leader that does not answer within this time is frozen. */
const PATIENCE_MS = 2_000;

const channel = openChannel();
/** @type {(word: string, detail: any) => void} */
let hear = () => {};
/** What the leader does, and what it does when it leads no more. */
let work = { begin: () => {}, end: () => {} };
let leading = false;
/** @type {AbortController | undefined} while this tab leads or waits to */
let standing;
/** @type {number | undefined} what this tab does unless it hears of a leader, or is to lead no more */
let suspicion;

export const isLeading = () => leading;

function openChannel() {
  try {
    const channel = new BroadcastChannel(NAME);
    channel.onmessage = ({ data: { word, detail, leading: led } }) => {
      if (led) trust();
      if (word === "there?") leading && tell("here");
      // What every page has to know, one without a stream as well.
      else if (word === "over" || word === "out") emit(word, { ...detail, told: true });
      else hear(word, detail);
    };
    return channel;
  } catch {
    // Forbidden along with storage.
    return undefined;
  }
}

/** Tells the other tabs. @param {string} word @param {any} [detail] */
export function tell(word, detail) {
  channel?.postMessage({ word, detail, leading });
}

/** @param {(word: string, detail: any) => void} listener @param {typeof work} leader */
export function start(listener, leader) {
  hear = listener;
  work = leader;
  stand();
  // Phones freeze tabs in the background, and a frozen tab would keep its lock.
  document.addEventListener("freeze", resign);
  document.addEventListener("visibilitychange", lookedAt);
  lookedAt();
}

/** Leads as soon as no other tab does. @param {LockOptions} [how] */
export function stand(how = {}) {
  if (standing && !how.steal) return;
  standing?.abort();
  const mine = (standing = new AbortController());
  const lead = () => {
    clearTimeout(suspicion);
    leading = true;
    work.begin();
  };
  if (!hasLocks) return lead();
  trust();
  const stopped = new Promise((stop) => mine.signal.addEventListener("abort", stop));
  navigator.locks
    .request(NAME, how.steal ? how : { signal: mine.signal }, () => {
      if (standing === mine) lead();
      return stopped;
    })
    .catch(({ name }) => {
      if (standing !== mine) return;
      if (name !== "AbortError") return lead();
      // Another tab took this one for frozen; or, in Safari, this page is being left. One that was left runs no timers.
      resign();
      suspicion = setTimeout(stand, PATIENCE_MS);
    });
}

/** Stops leading, and stops waiting to lead. */
export function resign() {
  clearTimeout(suspicion);
  standing?.abort();
  standing = undefined;
  if (!leading) return;
  leading = false;
  work.end();
}

/** A sign of life from the leader. */
function trust() {
  if (leading || !standing) return;
  clearTimeout(suspicion);
  suspicion = setTimeout(suspect, SILENCE_MS);
}

/** A tab that somebody looks at does not wait for one that sleeps. */
export function suspect() {
  if (leading || !standing) return;
  clearTimeout(suspicion);
  suspicion = setTimeout(() => stand({ steal: true }), PATIENCE_MS);
  tell("there?");
}

/** @type {((value: unknown) => void) | undefined} */
let lookAway;

function lookedAt() {
  if (document.hidden || !hasLocks) {
    lookAway?.(undefined);
    lookAway = undefined;
    return;
  }
  const look = () => (document.hidden || lookAway ? undefined : new Promise((away) => (lookAway = away)));
  navigator.locks.request(LOOKED_AT, { mode: "shared" }, look).catch(() => {});
}

/** Whether any tab of this chat is looked at. */
export async function isLookedAt() {
  if (!document.hidden || !hasLocks) return !document.hidden;
  return navigator.locks.request(LOOKED_AT, { ifAvailable: true }, (lock) => !lock).catch(() => false);
}
