// Entering an encrypted chat: moves its link out of the address bar, shows it where it is shared, and sends the proof of it to
// the server. What follows its # is never sent.

import { cannot } from "./cannot.js";
import { find, hashHere, holds, keep, remove } from "./keyring.js";
import { showLinks } from "./links.js";
import { secretOf, unlock } from "./seal.js";

/**
 * A page of a chat. Answers false where the secret could not be kept. `place` is what works with its key; there is none on the pages of a plain chat.
 * @param {HTMLElement | null} place
 * @param {string | null} fragment what the address carried, without its #
 * @param {string | null} wanted the hash of the encrypted chat that led here
 */
export async function enter(place, fragment, wanted) {
  if (document.querySelector("[data-gone]")) return remove(hashHere());
  /** @type {HTMLFormElement | null} */
  const maker = document.querySelector("#register");
  /** @type {HTMLFormElement | null} */
  const leaver = document.querySelector("form[data-forget]");
  if (maker || leaver) {
    const { forget, prepare } = await import("./making.js");
    if (maker) await prepare(maker);
    if (leaver) forget(leaver);
  }
  // What a form leads to has to be of the same chat. A new one has its hash when its form is sent.
  document.addEventListener("submit", ({ defaultPrevented }) => {
    const made = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=hash]:enabled"));
    const hash = place?.dataset.encrypted ?? made?.value;
    if (hash && !defaultPrevented) sessionStorage.setItem("duet:entering", hash);
  });
  if (!place) {
    if (!document.querySelector('[data-cannot="downgraded"]')) return;
    // Whoever has a key for this chat, or came for an encrypted one, must not write into one that the server can read.
    if (fragment === null && wanted === null && !(await holds())) return;
    for (const node of document.querySelectorAll("main form, main section")) /** @type {HTMLElement} */ (node).hidden = true;
    return cannot("downgraded");
  }
  const hash = place.dataset.encrypted ?? "";
  if (hash !== hashHere() || (wanted ?? hash) !== hash) return cannot("other", place);
  /** @type {NodeListOf<HTMLInputElement>} */
  const proofs = place.querySelectorAll("[data-auth]");
  const secret = fragment ? secretOf(fragment) : null;
  let link;
  try {
    link = await find(hash);
    const fresh = secret && !link?.proven ? { ...link, hash, secret } : link;
    if (fresh) link = await keep({ ...fresh, entering: fresh.entering || proofs.length > 0 });
  } catch {
    return cannot("storage", place);
  }
  if (!link) return cannot("incomplete", place);
  const { auth, keys } = await unlock(hash, link.secret);
  for (const field of proofs) {
    field.value = auth;
    field.disabled = false;
    // Until here the form could not be sent: the server lets nobody in without the proof.
    /** @type {HTMLFormElement} */ (field.form).method = "post";
  }
  await showLinks(place, link.secret);
  for (const anchor of /** @type {NodeListOf<HTMLAnchorElement>} */ (place.querySelectorAll("a[download]"))) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      cannot("");
      const who = { keys, seat: Number(place.dataset.seat), you: place.dataset.you ?? "", text: JSON.parse(place.dataset.sentences ?? "{}") };
      import("./save.js").then(({ download }) => download(anchor.href, who)).catch(() => cannot("download"));
    });
  }
  /** @type {HTMLFormElement | null} */ (place.querySelector("[data-submit-now]"))?.requestSubmit();
}
