// Whether a page is of the chat that somebody came for. Without its key, a server could answer with a plain chat, or with another
// one, and read what is written there.

import { ofTab } from "./storage.js";

/** From a form that carries the proof of a link to the page that it leads to: the hash of the chat. */
const KEY = "duet:entering";

/** The hash in this page's address; undefined where there is none. */
export const hashHere = () => location.pathname.split("/")[4];

/** A form of an encrypted chat is being sent. @param {string} hash */
export const expect = (hash) => ofTab.set(KEY, hash);

/** The hash of the encrypted chat that this page has to be of; null where it may be of any. Asked once. */
export function expected() {
  const hash = ofTab.get(KEY);
  ofTab.remove(KEY);
  return hash;
}

/** Whether this browser may hold keys of encrypted chats. Some browsers do not tell which databases there are. */
export async function mayHoldKeys() {
  try {
    const databases = await indexedDB.databases?.();
    return !databases || databases.some(({ name }) => name === "duet");
  } catch {
    return false;
  }
}
