// The way into an encrypted chat: the link is made here, moved out of the address bar, shown again where it is handed on, and proved
// to the server. What follows its # is never sent.

import { find, hashHere, holds, keep, leave, remove, sweep } from "./keyring.js";
import { download } from "./save.js";
import { encode, secretOf, unlock } from "./seal.js";

const SECRET_BYTES = 32;
const SVG = "http://www.w3.org/2000/svg";
/** Light modules around a QR code. */
const QUIET = 4;

/** Says why something cannot be done, and takes away what would not work. @param {string} why @param {Element | null} [instead] */
function cannot(why, instead) {
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-cannot]"))) {
    if (node.dataset.cannot === why) node.setAttribute("role", "alert");
    node.hidden = node.dataset.cannot !== why;
  }
  if (instead) /** @type {HTMLElement} */ (instead).hidden = true;
}

/**
 * A page of a chat. `place` is what works with its key; there is none on the pages of a plain chat.
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
  if (maker) await prepare(maker);
  if (leaver) forget(leaver);
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
    cannot("downgraded");
    for (const node of document.querySelectorAll("main form, main section")) /** @type {HTMLElement} */ (node).hidden = true;
    return;
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
  }
  await showLinks(place, link.secret);
  for (const anchor of /** @type {NodeListOf<HTMLAnchorElement>} */ (place.querySelectorAll("a[download]"))) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      cannot("");
      download(anchor.href, { keys, seat: Number(place.dataset.seat), you: place.dataset.you ?? "", text: JSON.parse(place.dataset.sentences ?? "{}") }).catch(() => cannot("download"));
    });
  }
  /** @type {HTMLFormElement | null} */ (place.querySelector("[data-submit-now]"))?.requestSubmit();
}

/** Completes the links of a page, and draws their QR codes. @param {ParentNode} place @param {Uint8Array} secret */
export async function showLinks(place, secret) {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll("[data-link]"))) {
    const [address, more] = (field.dataset.link ?? "").split("#");
    field.value = `${address}#v1.${encode(secret)}${more ? `&${more}` : ""}`;
    const code = place.querySelector(`[data-qr="${field.id}"]`);
    if (code) await draw(code, field.value);
  }
}

/** Black on white in either theme, since readers expect that. @param {Element} svg @param {string} words */
async function draw(svg, words) {
  /** @type {{ correction: { M: number }, generate: (words: string, how: object) => { size: number, get(x: number, y: number): boolean } }} */
  const { correction, generate } = /** @type {any} */ (await import("./lean-qr.js"));
  const code = generate(words, { minCorrectionLevel: correction.M });
  const side = code.size + 2 * QUIET;
  let path = "";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0, run; x < code.size; x += run || 1) {
      for (run = 0; code.get(x + run, y); ) run++;
      if (run) path += `M${x + QUIET} ${y + QUIET}h${run}v1h-${run}z`;
    }
  }
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  for (const [name, attributes] of /** @type {[string, Record<string, string>][]} */ ([
    ["rect", { width: String(side), height: String(side), fill: "#fff" }],
    ["path", { d: path, fill: "#000" }],
  ])) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
}

/** The start page: a new chat is encrypted, unless a plain one is chosen or this browser cannot keep a key. @param {HTMLFormElement} form */
async function prepare(form) {
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
  let busy = false;
  form.addEventListener("submit", async (event) => {
    const fields = ["hash", "encryption", "auth"].map((name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name)));
    if (plain.checked) {
      for (const field of fields) field.disabled = true;
      return;
    }
    // A second press while the first is under way sends the same again.
    if (!fields[2].disabled) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    const why = await fillIn(fields[0], fields[2]);
    busy = false;
    if (why) return cannot(why);
    for (const field of fields) field.disabled = false;
    form.requestSubmit();
  });
}

/** A fresh link, or the one of a try that failed. Answers what went wrong. @param {HTMLInputElement} hash @param {HTMLInputElement} auth */
async function fillIn(hash, auth) {
  try {
    let link = hash.value ? await find(hash.value) : undefined;
    if (!link) {
      const headers = { Accept: "application/json", "Content-Type": "application/json" };
      const response = await fetch("/demo/chat/register/hash", { method: "POST", headers, body: "{}" });
      if (!response.ok) return response.status === 429 ? "many" : "failed";
      const { data } = await response.json();
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
function forget(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isEnd = form.dataset.leave === "end";
    const base = new URL(form.action).pathname.replace(/\/\w+$/, "");
    const [hash, seat] = base.split("/").slice(4);
    const headers = { Accept: "application/json", "Content-Type": "application/json" };
    const answer = await fetch(form.action, { method: "POST", headers, body: "{}" }).catch(() => null);
    const isOver = answer?.status === 410 || (isEnd && answer?.ok);
    // A session that is over already is what logging out is for.
    const isOut = !isEnd && (answer?.ok || answer?.status === 401);
    if (isOver || isOut) {
      await (isOver ? remove(hash) : leave(hash, Number(seat))).catch(reportError);
      new BroadcastChannel(`duet:${base}`).postMessage({ word: isOver ? "over" : "out" });
    }
    if (answer?.ok || isOut) return location.replace(/** @type {string} */ (form.dataset.forget));
    // Whatever went wrong, the form as the browser sends it brings a page that says so.
    form.submit();
  });
}
