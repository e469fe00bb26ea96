// Older messages, as one scrolls up. Without scripts the same link leads to a page of them.

import { backoffMs, call } from "./api.js";
import { isOut } from "./connection.js";
import { prepend } from "./log.js";
import { conversation, isSealed } from "./sealed.js";
import { byId } from "./state.js";

const PAGE_LEN = 50;
/** Begins to load so far ahead of the reader. */
const AHEAD = "800px 0px 0px 0px";

export function start() {
  const link = document.getElementById("older");
  if (!link) return;
  let busy = false;
  let attempt = 0;
  const load = async () => {
    const first = /** @type {HTMLElement | null} */ (byId("messages").querySelector("[data-seq]"));
    if (busy || !first) return;
    busy = true;
    const answer = await call(`messages?before=${first.dataset.seq}&limit=${PAGE_LEN}`);
    const read = answer.ok ? answer.data.messages : [];
    const more = answer.data.more && read.length > 0;
    const messages = isSealed && answer.ok ? await conversation().openOlder(read, more) : read;
    busy = false;
    // Observing anew asks again whether the link is near: a page of short messages may not fill the screen, and whoever waits
    // up there does not move.
    const look = () => {
      observer.unobserve(link);
      observer.observe(link);
    };
    if (isOut()) return;
    if (!answer.ok) {
      setTimeout(look, answer.retryAfterMs || backoffMs(attempt++));
      return;
    }
    attempt = 0;
    prepend(messages);
    if (more) return look();
    observer.disconnect();
    if (document.activeElement === link) byId("history").focus();
    link.parentElement?.remove();
  };
  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && load(), {
    root: byId("history"),
    rootMargin: AHEAD,
  });
  observer.observe(link);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void load();
  });
}
