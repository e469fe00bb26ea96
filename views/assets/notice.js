// Who ended the chat: the chat's page left it in this tab's storage, to be read once.

import { ofTab } from "./storage.js";

const KEY = "duet:ended";

export function start() {
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
