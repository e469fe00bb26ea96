// Waiting for something to become true. No test waits for time to pass.

import { isDeepStrictEqual } from "node:util";

const PATIENCE_MS = 120_000;
const EVERY_MS = 40;
/** What a look at a page answers that is being left, or has no element yet. */
const LEAVING = /navigati|context was destroyed|frame was detached|not attached to an active page|properties of null/i;

/**
 * Looks again and again until `look` answers something that `enough` takes, and answers with that. A page that is being left is looked
 * at again when the next one stands.
 * @template T
 * @param {string} what in words, for the one who reads the failure
 * @param {() => T | Promise<T>} look
 * @param {(found: T) => boolean} [enough] true for whatever is truthy, by default
 */
export async function until(what, look, enough = Boolean) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const found = await look();
      if (enough(found)) return found;
      if (Date.now() > end) throw new Error(`never true: ${what}; it was ${JSON.stringify(found)}`);
    } catch (error) {
      if (Date.now() > end || !LEAVING.test(String(error))) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** @param {string} what @param {() => unknown} look @param {unknown} expected */
export const untilIs = (what, look, expected) =>
  until(`${what} is ${JSON.stringify(expected)}`, look, (found) => isDeepStrictEqual(found, expected));
