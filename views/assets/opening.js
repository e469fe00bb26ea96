// Opens many messages without holding up the page: some at once, in their order, with rests between.

import { rest } from "./breath.js";
import { open } from "./seal.js";

/** @typedef {import("./state.js").Message} Message */

/** So many at once: WebCrypto has threads of its own. On a slow phone each takes the page some milliseconds as well. */
const GROUP_LEN = 8;

/**
 * @param {import("./seal.js").Keys} keys @param {(message: Message) => number} seatOf @param {Message[]} messages
 * @returns {Promise<(import("./seal.js").Contents | null)[]>}
 */
export async function openAll(keys, seatOf, messages) {
  /** @type {(import("./seal.js").Contents | null)[]} */
  const opened = [];
  for (let at = 0; at < messages.length; at += GROUP_LEN) {
    await rest();
    const group = messages.slice(at, at + GROUP_LEN);
    opened.push(...(await Promise.all(group.map((one) => open(keys, seatOf(one), one.id, one.message)))));
  }
  return opened;
}
