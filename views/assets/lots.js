// Groups messages into boxes. A browser moves, looks through and paints a list item by item, so that one of thousands would hold up
// the page with every message that joins it. What is not among the newest therefore stands in boxes, which the browser takes as one each.
// Dates and lines stand between the boxes: a date stays in sight over all of its day.

import { byId } from "./state.js";

const LOT_LEN = 100;
/** The estimated height of a message until it is laid out. */
const LINE_REM = 2.75;

const list = byId("messages");

/** @param {Element | null | undefined} found @param {"firstElementChild" | "lastElementChild"} end */
const inside = (found, end) => /** @type {HTMLElement | null} */ ((found?.matches(".lot") ? found[end] : found) ?? null);

/** The item behind another one, in its box or out of it; without one the first of all. @param {Element | null} item */
export const behind = (item) =>
  inside(item ? (item.nextElementSibling ?? item.closest(".lot")?.nextElementSibling) : list.firstElementChild, "firstElementChild");

/** The item ahead of another one; without one the last of all. @param {Element | null} item */
export const ahead = (item) =>
  inside(item ? (item.previousElementSibling ?? item.closest(".lot")?.previousElementSibling) : list.lastElementChild, "lastElementChild");

/**
 * Puts messages into boxes, those that follow each other into one.
 * @param {Element[]} items ascending, none of them in a box
 */
export function box(items) {
  /** @type {HTMLElement[]} */
  const lots = [];
  for (const item of items) {
    let lot = lots.at(-1);
    if (!lot || lot.nextElementSibling !== item || lot.childElementCount === LOT_LEN) {
      lot = document.createElement("div");
      lot.className = "lot";
      item.before(lot);
      mend(ahead(lot), item, lot);
      lots.push(lot);
    }
    // The list and its items are what they are with a box between them only when they say so.
    item.setAttribute("role", "listitem");
    lot.append(item);
  }
  list.setAttribute("role", "list");
  for (const lot of lots) {
    lot.style.containIntrinsicBlockSize = `auto ${LINE_REM * lot.childElementCount}rem`;
    mend(lot.lastElementChild, lot.nextElementSibling);
  }
  return lots;
}

/**
 * The styles of two messages that follow each other do not reach out of a box.
 * @param {Element | null} one @param {Element | null} next @param {Element | null} top what has the room above the next one
 */
function mend(one, next, top = next) {
  if (!one?.matches(".message") || !next?.matches(".message")) return;
  if (one.matches(".leans")) next.classList.add("led");
  else top?.classList.add("turn");
}

/**
 * What is in these the browser lays out and paints near the window alone.
 * @param {Element[]} lots @param {boolean} isKnown whether it is to know their size first: somebody may read above them, and must not be moved
 */
export function settle(lots, isKnown) {
  const now = () => lots.forEach((lot) => lot.classList.add("settled"));
  if (isKnown) requestAnimationFrame(() => requestAnimationFrame(now));
  else now();
}
