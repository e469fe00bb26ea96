// What follows the # of a link, where no server sees it: the secret of an encrypted chat, and a code and a name from one's other
// device. It leaves the address bar, and this tab's history, as soon as the page has it. The browser's list of visited pages keeps it.

import { expected, mayHoldKeys } from "./arrival.js";
import { cannot } from "./cannot.js";
import { miss, release } from "./presses.js";

/** A secret of this format, of another one, or one that was damaged on its way. No place of a page is called so. */
const SECRET = /^v\d|\./i;

export function start() {
  const fragment = location.hash.slice(1);
  const [first] = fragment.split("&");
  const secret = SECRET.test(first) ? first : null;
  const carried = new URLSearchParams(fragment);
  const code = carried.get("device");
  // The same page, asked for with another fragment, is not loaded again by itself.
  addEventListener("hashchange", () => /^#v\d|\.|\bdevice=/i.test(location.hash) && location.reload());
  void unlock(secret).catch(reportError).then((done) => {
    if (done == null) return miss();
    // Until the key is kept, loading the page again has to bring it along.
    if (done && (secret !== null || code)) history.replaceState(null, "", location.pathname + location.search);
    release();
  });
  // An error page in the place of this address: the way on, which names no more than the path, would lose it.
  const again = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".failed .primary"));
  if (fragment && again?.pathname === location.pathname) {
    again.onclick = () => {
      location.reload();
      return false;
    };
  }
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("login"));
  if (!form || !code) return;
  const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
  const user = carried.get("user") ?? "";
  field("deviceCode").value = code;
  field("user").value = user;
  if (!user) return field("user").focus();
  const ready = /** @type {HTMLElement} */ (document.querySelector("[data-device-ready]"));
  ready.hidden = false;
  /** @type {Element} */ (ready.querySelector("[data-fill]")).textContent = user;
  /** @type {HTMLElement} */ (form.querySelector("button.primary")).focus();
}

/**
 * What an encrypted chat needs is loaded where there is one, or should or may be one. Answers whether the page is done with the secret:
 * has kept it, or is of a chat that has none. Null if a script did not come: a chat that was to be encrypted is not made a plain one.
 * @param {string | null} secret
 */
async function unlock(secret) {
  const find = (/** @type {string} */ what) => /** @type {HTMLElement | null} */ (document.querySelector(what));
  const [place, other, plain] = ["[data-encrypted]", "#register, form[data-forget]", '[data-gone], [data-cannot="downgraded"]'].map(find);
  const wanted = expected();
  const isDoubted = plain && ((secret ?? wanted) !== null || (await mayHoldKeys()));
  if (!place && !other && !isDoubted) return plain !== null;
  if (!crypto.subtle && !isDoubted) return place ? cannot("insecure", place) : true;
  const vault = await Promise.all([import("./vault.js"), other && import("./making.js")]).then(([vault]) => vault, () => null);
  return vault && ((await vault.enter(place, secret, wanted)) ?? true);
}
