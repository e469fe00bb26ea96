// Loads older messages while scrolling up. Without scripts the same link leads to a page of them.

import { backoffMs, call } from "./api.js";
import { isOut } from "./connection.js";
import { discard, itemOf, pending, prepare, regroup, tick } from "./log.js";
import { box, settle } from "./lots.js";
import { conversation, isSealed } from "./sealed.js";
import { byId, config, yieldFocus } from "./state.js";

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
    prepend(messages, more);
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

/**
 * Above everything, with what happened between them.
 * @param {import("./state.js").Message[]} messages ascending @param {boolean} more whether there are others ahead of these
 */
function prepend(messages, more) {
  const list = byId("messages");
  const first = list.querySelector("[data-at]");
  const items = messages.map((message) => {
    // The answer to its send was lost, and this page began behind it.
    const written = pending.get(message.id);
    if (written) discard(written);
    const item = itemOf(message);
    if (item.matches(".mine")) tick(item);
    return item;
  });
  const behind = list.firstElementChild;
  list.prepend(...items);
  const at = (/** @type {HTMLElement} */ item) => Number(item.dataset.at);
  for (const line of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#ahead > li"))) {
    if (more && at(line) < at(items[0])) continue;
    list.insertBefore(line, items.find((item) => at(item) >= at(line)) ?? behind);
  }
  regroup(null, first);
  settle(box(items), true);
}
