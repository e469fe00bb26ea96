// Loads older messages while scrolling up. Without scripts the same link leads to a page of them.

import { backoffMs, call } from "./api.js";
import { isOut } from "./connection.js";
import { prepare, prepend } from "./log.js";
import { conversation, isSealed } from "./sealed.js";
import { byId, yieldFocus } from "./state.js";

const PAGE_LEN = 50;
/** How far ahead of the reader loading begins. */
const AHEAD_PX = 800;

export function start() {
  const link = document.getElementById("older");
  if (!link) return;
  const scroller = byId("history");
  let busy = false;
  let done = false;
  let attempt = 0;
  const load = async () => {
    const first = /** @type {HTMLElement | null} */ (byId("messages").querySelector("[data-seq]"));
    if (busy || done || !first) return;
    busy = true;
    const answer = await call(`messages?before=${first.dataset.seq}&limit=${PAGE_LEN}`);
    const read = answer.ok ? answer.data.messages : [];
    const more = answer.data.more && read.length > 0;
    const messages = isSealed && answer.ok ? await conversation().openOlder(read, more) : read;
    await prepare(messages);
    busy = false;
    if (isOut()) return;
    if (!answer.ok) {
      setTimeout(look, answer.retryAfterMs || backoffMs(attempt++));
      return;
    }
    attempt = 0;
    prepend(messages);
    // A page of short messages may not fill the screen, and then no scroll event follows.
    if (more) return look();
    done = true;
    yieldFocus(link.parentElement)?.remove();
  };
  // Measured: an observer of the link may miss that it came into sight while the list above the reader grew.
  const look = () => void (scroller.scrollHeight - scroller.clientHeight + scroller.scrollTop < AHEAD_PX && load());
  scroller.addEventListener("scroll", look, { passive: true });
  addEventListener("resize", look);
  look();
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void load();
  });
}
