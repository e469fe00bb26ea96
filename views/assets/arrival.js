// Whether a page is of the chat that somebody came for. Without its key, a server could answer with a plain chat, or with another
// one, and read what is written there.

import { ofTab } from "./storage.js";

/** Left by a page of an encrypted chat for the one that its form leads to (`door.js`): the hash of the chat. */
const KEY = "duet:entering";

/** The hash of the encrypted chat that this page has to be of; null where it may be of any. Asked once. */
export function expected() {
  const hash = ofTab.get(KEY);
  ofTab.remove(KEY);
  return hash;
}

/** Whether this browser holds keys of encrypted chats. One that forbids databases holds none. */
export async function mayHoldKeys() {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === "duet");
  } catch {
    return false;
  }
}
