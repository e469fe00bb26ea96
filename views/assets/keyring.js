// The links of encrypted chats that this browser holds: their secrets, in IndexedDB, where no request carries them. A secret stays
// as long as a seat of its chat is held here, since the invitation and the link for another device show it again.

import { now } from "./times.js";

/**
 * @typedef {object} Link
 * @property {string} hash
 * @property {Uint8Array<ArrayBuffer>} secret
 * @property {number[]} seats held in this browser
 * @property {boolean} proven it made the chat, let somebody in or has opened a message: no other link replaces it
 * @property {boolean} entering a seat is being taken
 * @property {number} expiresAt Unix milliseconds; what is older is removed
 */

const NAME = "duet";
const STORE = "links";
const LIFETIME_MAX_MS = 31 * 86_400_000;

/** Null while there is no database and none is to be made: a browser without links keeps nothing. @param {boolean} make @returns {Promise<IDBDatabase | null>} */
function database(make) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      if (make) request.result.createObjectStore(STORE, { keyPath: "hash" });
      else request.transaction?.abort();
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = (event) => {
      event.preventDefault();
      if (!make && request.error?.name === "AbortError") resolve(null);
      else reject(request.error);
    };
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode @param {boolean} make @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T | undefined>}
 */
async function use(mode, make, work) {
  const opened = await database(make);
  if (!opened) return undefined;
  try {
    return await new Promise((resolve, reject) => {
      const transaction = opened.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    opened.close();
  }
}

/** @param {string} hash @returns {Promise<Link | undefined>} */
export const find = (hash) => use("readonly", false, (store) => store.get(hash));

/** The hash in this page's address. */
export const hashHere = () => location.pathname.split("/")[4];

/** Whether this browser has the key of the chat of this address. */
export const holds = () => find(hashHere()).then(Boolean, () => false);

/** @param {Partial<Link> & { hash: string, secret: Uint8Array<ArrayBuffer> }} link */
export async function keep(link) {
  const whole = { seats: [], proven: false, entering: false, expiresAt: now() + LIFETIME_MAX_MS, ...link };
  await use("readwrite", true, (store) => store.put(whole));
  return whole;
}

/** @param {string} hash */
export async function remove(hash) {
  await use("readwrite", false, (store) => store.delete(hash));
  await sweep();
}

/** Forgets a seat; with the last one the secret is deleted. @param {string} hash @param {number} seat */
export async function leave(hash, seat) {
  const link = await find(hash);
  const seats = link?.seats.filter((one) => one !== seat) ?? [];
  if (link && seats.length) await keep({ ...link, seats });
  else await remove(hash);
}

/** Removes the links of chats whose time is up by the server's clock, and with the last link the database. */
export async function sweep() {
  const links = (await use("readonly", false, (store) => store.getAll())) ?? [];
  const over = links.filter(({ expiresAt }) => expiresAt < now());
  for (const { hash } of over) await use("readwrite", false, (store) => store.delete(hash));
  if (over.length === links.length) await removed();
}

/** Another page that looks into the database keeps it until that page has looked: nothing is waited for then. @returns {Promise<void>} */
function removed() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(NAME);
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
