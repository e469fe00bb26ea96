// A chat that is over, or was left. Who ended it, the chat's page left in this tab's storage, to be read once.

import { ofTab } from "./storage.js";

const KEY = "duet:ended";

export function start() {
  tell();
  forget();
}

/** Drafts and unsent messages of the chat of this address, or of the one that led here, whichever way it was left. */
function forget() {
  const isGone = document.querySelector("[data-gone]") !== null;
  const [page] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  // By the Back button one may come from a chat that goes on: one has logged in again since.
  if (!isGone && page?.type !== "navigate") return;
  const from = isGone ? location.href : document.referrer;
  const [, chat, seat] = /^(\/demo\/chat\/user\/[^/]+)(?:\/([12]))?/.exec(from && new URL(from).pathname) ?? [];
  if (!chat) return;
  const isOut = location.search === "?loggedout";
  for (const one of isOut ? [seat] : [1, 2]) {
    for (const kind of ["draft", "outbox"]) ofTab.remove(`duet:${kind}:${chat}/${one}`);
  }
  // The other tabs show it no longer. What ends a chat they hear of by themselves.
  try {
    if (isOut) new BroadcastChannel(`duet:${chat}/${seat}`).postMessage({ word: "out" });
  } catch {
    // Forbidden along with storage.
  }
}

function tell() {
  const kept = ofTab.get(KEY);
  if (!kept) return;
  ofTab.remove(KEY);
  const { who: [who, peer], seat } = JSON.parse(kept);
  // The network may have been away when the page left; the answer takes the seat's cookies back.
  void fetch(`${seat}/sessions`, { cache: "no-store", keepalive: true }).catch(() => {});
  const unknown = /** @type {HTMLElement | null} */ (document.querySelector('[data-ended="unknown"]'));
  if (!unknown) return;
  const words = /** @type {HTMLElement | null} */ (document.querySelector(`[data-ended="${CSS.escape(who)}"]`));
  if (!words) return;
  const place = words.querySelector("[data-fill]");
  if (place) place.textContent = peer;
  unknown.hidden = true;
  words.hidden = false;
}
