// Opens many messages without holding up the page: a few at a time, in their order.

import { open } from "./seal.js";

/** @typedef {import("./state.js").Message} Message */

/** Each lane begins its next message in a task of its own. */
const LANES = 4;

/**
 * @param {import("./seal.js").Keys} keys @param {(message: Message) => number} seatOf @param {Message[]} messages
 * @returns {Promise<(import("./seal.js").Contents | null)[]>}
 */
export async function openAll(keys, seatOf, messages) {
  /** @type {(import("./seal.js").Contents | null)[]} */
  const opened = [];
  let next = 0;
  const lane = async () => {
    while (next < messages.length) {
      const at = next++;
      opened[at] = await open(keys, seatOf(messages[at]), messages[at].id, messages[at].message);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return opened;
}
