// Where an encrypted chat begins and where it is left: the start page makes its link, and the pages that log out of it or end it
// take the link from the browser.

import { cannot } from "./cannot.js";
import { find, keep, leave, remove, sweep } from "./keyring.js";
import { PATIENCE_MS, request, sendForm } from "./request.js";
import { unlock } from "./seal.js";

const SECRET_BYTES = 32;

/** The start page: a new chat is encrypted, unless a plain one is chosen or this browser cannot keep a key. @param {HTMLFormElement} form */
export async function prepare(form) {
  try {
    await keep({ hash: "", secret: new Uint8Array(0), expiresAt: 0 });
    await sweep();
  } catch {
    // This browser keeps nothing for the page, so not the key either. The chat will be a plain one, as the page says.
    return;
  }
  const part = (/** @type {string} */ what) => /** @type {HTMLElement} */ (form.querySelector(what));
  const plain = /** @type {HTMLInputElement} */ (part("#plain"));
  const say = () => {
    part("[data-plain]").hidden = !plain.checked;
    part("[data-sealed]").hidden = plain.checked;
  };
  part("[data-choice]").hidden = false;
  plain.addEventListener("change", say);
  say();
  const fields = ["hash", "encryption", "auth"].map((name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name)));
  let isReady = false;
  form.addEventListener("submit", async (event) => {
    // A second press while the first is under way sends the same again.
    if (isReady) return void (isReady = false);
    event.preventDefault();
    if (form.ariaBusy) return;
    form.ariaBusy = "true";
    const why = plain.checked ? await away() : await fillIn(fields[0], fields[2]);
    form.ariaBusy = null;
    if (why) return cannot(why);
    for (const field of fields) field.disabled = plain.checked;
    isReady = true;
    form.requestSubmit();
  });
}

/**
 * Whether the server is away, ahead of a form that the browser sends: it would put a page of its own in the place of what was typed. Where
 * nothing is chosen this address changes nothing.
 */
const away = async () => ((await request("/demo/chat/preferences", {}, PATIENCE_MS)).ok ? undefined : "offline");

/** A fresh link, or the one of a try that failed. Answers what went wrong. @param {HTMLInputElement} hash @param {HTMLInputElement} auth */
async function fillIn(hash, auth) {
  try {
    let link = hash.value ? await find(hash.value) : undefined;
    if (link) {
      const why = await away();
      if (why) return why;
    } else {
      const { ok, code, data } = await request("/demo/chat/register/hash", {}, PATIENCE_MS);
      if (!ok) return code === 429 ? "many" : code ? "failed" : "offline";
      const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
      link = await keep({ hash: data.hash, secret, seats: [1], proven: true });
    }
    hash.value = link.hash;
    auth.value = (await unlock(link.hash, link.secret)).auth;
    return undefined;
  } catch {
    return "offline";
  }
}

/**
 * The page of the question whether to log out, or to end: the link goes from the browser when the server has said that it is done.
 * @param {HTMLFormElement} form
 */
export function forget(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isEnd = form.dataset.leave === "end";
    const base = new URL(form.action).pathname.replace(/\/\w+$/, "");
    const [hash, seat] = base.split("/").slice(4);
    // A session that is over already is what logging out is for.
    const answer = await sendForm(form, isEnd ? [410] : [401, 410]);
    if (!answer) return;
    const isOver = isEnd || answer.code === 410;
    await (isOver ? remove(hash) : leave(hash, Number(seat))).catch(reportError);
    new BroadcastChannel(`duet:${base}`).postMessage({ word: isOver ? "over" : "out" });
    // For a chat that was over already there is another page.
    if (answer.code === 410) form.submit();
    else location.replace(/** @type {string} */ (form.dataset.forget));
  });
}
