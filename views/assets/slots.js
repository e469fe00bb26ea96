// Over HTTP/1.1 a browser opens six connections to a server, and whatever comes seventh waits without a word. So the streams of
// all chats in this browser take four of them at most; a chat without a slot opens its stream for a moment, every few seconds.

import { hasLocks, hold } from "./locks.js";

const SLOTS = 4;

const [page] = performance.getEntriesByType("navigation");
const limited = !/^h[23]/.test(/** @type {PerformanceNavigationTiming | undefined} */ (page)?.nextHopProtocol ?? "");
/** @type {(() => void) | undefined} */
let release;

/** Whether this tab may keep a stream open. It keeps its slot until `free`. */
export async function slot() {
  if (release || !limited) return true;
  // Nobody can count, but few tabs are looked at.
  if (!hasLocks) return !document.hidden;
  for (let number = 0; number < SLOTS && !release; number++) release = await hold(`duet:stream:${number}`, { ifAvailable: true });
  return release !== undefined;
}

export function free() {
  release?.();
  release = undefined;
}
