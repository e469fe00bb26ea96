// What follows the # of a link, where no server sees it: the secret of an encrypted chat, and a code and a name from one's other
// device. None of it may stay in the address bar or the history.

import { expected, mayHoldKeys } from "./arrival.js";
import { cannot } from "./cannot.js";
import { holdBack, release } from "./presses.js";

/** A secret of this format, of another one, or one that was damaged on its way. No place of a page is called so. */
const SECRET = /^v\d|\./i;

export function start() {
  const fragment = location.hash.slice(1);
  const [first] = fragment.split("&");
  const secret = SECRET.test(first) ? first : null;
  const carried = new URLSearchParams(fragment);
  const code = carried.get("device");
  if (secret !== null || code) history.replaceState(null, "", location.pathname + location.search);
  // The same page, asked for with another fragment, is not loaded again by itself.
  addEventListener("hashchange", () => SECRET.test(location.hash.slice(1)) && location.reload());
  void unlock(secret).catch(reportError).finally(release);
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("login"));
  if (!form || !code) return;
  const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
  field("deviceCode").value = code;
  field("user").value = carried.get("user") ?? "";
  /** @type {HTMLElement} */ (form.querySelector("[data-device-ready]")).hidden = false;
  if (field("user").value) /** @type {HTMLElement} */ (form.querySelector("button.primary")).focus();
  else field("user").focus();
}

/** What an encrypted chat needs is loaded where there is one, or should or may be one. @param {string | null} secret */
async function unlock(secret) {
  const find = (/** @type {string} */ what) => /** @type {HTMLElement | null} */ (document.querySelector(what));
  const [place, other, plain] = ["[data-encrypted]", "#register, form[data-forget]", '[data-gone], [data-cannot="downgraded"]'].map(find);
  const wanted = expected();
  const isDoubted = plain && ((secret ?? wanted) !== null || (await mayHoldKeys()));
  if (!place && !other && !isDoubted) return;
  const instead = (/** @type {string} */ why) => place && cannot(why, place);
  if (!crypto.subtle && !isDoubted) return instead("insecure");
  holdBack("#register, [data-forget]");
  const vault = await import("./vault.js").catch(() => void instead("load"));
  await vault?.enter(place, secret, wanted);
}
