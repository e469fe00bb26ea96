// The tabs of one seat share one stream, since a browser allows six connections per site over HTTP/1.1: the tab that holds a
// Web Lock keeps the stream and tells the others over a BroadcastChannel. Where there are no locks, every tab has its own.

import { config } from "./state.js";

const NAME = `duet:${config.base}`;
/** A leader that does not answer for so long is frozen. */
const PATIENCE_MS = 2_000;

const channel = new BroadcastChannel(NAME);
/** @type {AbortController | undefined} */
let leading;
/** @type {number | undefined} */
let suspicion;
/** @type {(word: string, detail: any) => void} */
let hear = () => {};

export const isLeading = () => leading !== undefined;

/** Tells the other tabs. @param {string} word @param {any} [detail] */
export function tell(word, detail) {
  channel.postMessage({ word, detail });
}

/** @param {(word: string, detail: any) => void} listener */
export function listen(listener) {
  hear = listener;
}

channel.onmessage = (/** @type {MessageEvent} */ heard) => {
  const { word, detail } = heard.data;
  if (word === "ping" && leading) tell("pong");
  else if (word === "pong") clearTimeout(suspicion);
  else hear(word, detail);
};

/**
 * Runs `work` in one tab at a time; its signal says when another tab has taken over.
 * @param {(stopped: AbortSignal) => void} work
 */
export function inOneTab(work) {
  const begin = () => {
    leading = new AbortController();
    work(leading.signal);
  };
  if (!navigator.locks) {
    begin();
    return;
  }
  /** @param {LockOptions} options */
  const queue = (options) => {
    const held = navigator.locks.request(NAME, options, () => {
      begin();
      // Never: the lock goes when the tab does, or when it is stolen.
      return new Promise(() => {});
    });
    held.catch(() => {
      leading?.abort();
      leading = undefined;
      queue({});
    });
  };
  queue({});
  // Phones freeze tabs in the background, lock and all. A tab that somebody looks at does not wait for one that sleeps.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || leading) return;
    clearTimeout(suspicion);
    suspicion = setTimeout(() => queue({ steal: true }), PATIENCE_MS);
    tell("ping");
  });
}
