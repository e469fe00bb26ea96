// Everything that a page writes where it outlives the page or may be read by others: storage, databases, cookies, the history, the
// title, notifications, what tabs tell each other; and every key that it makes or hands out.

import { until } from "./until.js";

/** @typedef {{ what: string, value: string }} Trace */

/** Runs in every page, ahead of its own scripts. */
function record() {
  // A blank page has no address, and nothing to write to.
  if (!isSecureContext) return;
  const tell = (/** @type {string} */ what, /** @type {unknown[]} */ ...values) => {
    // Bytes as numbers and as text: a key may be written either way.
    const plain = (/** @type {string} */ _, /** @type {any} */ value) => {
      if (value instanceof CryptoKey) return `CryptoKey, extractable: ${value.extractable}`;
      if (value instanceof ArrayBuffer) value = new Uint8Array(value);
      if (!ArrayBuffer.isView(value)) return value;
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return `bytes ${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")} ${btoa(String.fromCharCode(...bytes))}`;
    };
    void /** @type {any} */ (globalThis).traced(what, JSON.stringify(values, plain));
  };
  /** @param {any} holder @param {string} name @param {string} what */
  const watch = (holder, name, what) => {
    const real = holder[name];
    holder[name] = function (/** @type {unknown[]} */ ...given) {
      tell(typeof this?.name === "string" ? `${what} ${this.name}` : what, ...given);
      return real.apply(this, given);
    };
  };
  watch(Storage.prototype, "setItem", "storage");
  for (const name of ["put", "add"]) watch(IDBObjectStore.prototype, name, "database");
  for (const name of ["pushState", "replaceState"]) watch(History.prototype, name, "history");
  for (const name of ["put", "add", "addAll"]) watch(Cache.prototype, name, "cache");
  watch(BroadcastChannel.prototype, "postMessage", "channel");
  for (const name of ["exportKey", "wrapKey"]) watch(SubtleCrypto.prototype, name, "key given out");
  for (const [holder, name] of /** @type {[any, string][]} */ ([[Document.prototype, "title"], [Document.prototype, "cookie"], [window, "name"]])) {
    const real = Object.getOwnPropertyDescriptor(holder, name);
    Object.defineProperty(holder, name, { ...real, set(value) { tell(name, value); real?.set?.call(this, value); } });
  }
  for (const name of ["importKey", "deriveKey", "generateKey"]) {
    const real = /** @type {any} */ (SubtleCrypto.prototype)[name];
    /** @type {any} */ (SubtleCrypto.prototype)[name] = async function (/** @type {unknown[]} */ ...given) {
      const made = await real.apply(this, given);
      tell("key made", made);
      return made;
    };
  }
  const Real = globalThis.Notification;
  globalThis.Notification = /** @type {any} */ (
    class extends Real {
      constructor(/** @type {string} */ title, /** @type {NotificationOptions | undefined} */ options) {
        tell("notification", title, options);
        super(title, options);
      }
    }
  );
}

/** To be called ahead of the first page. @param {import("./person.js").Person} person @returns {Promise<Trace[]>} what is written, as it comes */
export async function trace({ context }) {
  /** @type {Trace[]} */
  const traces = [];
  await context.exposeFunction("traced", (/** @type {string} */ what, /** @type {string} */ value) => void traces.push({ what, value }));
  await context.addInitScript(record);
  return traces;
}

/** The addresses behind a tab's Back button. @param {import("playwright-core").Page} page */
export function addresses(page) {
  return until("the browser tells where a tab has been", async () => {
    const wire = await page.context().newCDPSession(page);
    const { entries } = await wire.send("Page.getNavigationHistory");
    return entries.map(({ url }) => url);
  });
}
