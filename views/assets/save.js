// The conversation as a file, opened here: what the server would write is sealed.

import { sentence } from "./findings.js";
import { openAll } from "./opening.js";
import { request } from "./request.js";
import { tame } from "./tame.js";
import { reader } from "./whole.js";

const PAGE_LEN = 200;
/** A page of long messages takes a while on a slow network. */
const PAGE_MS = 60_000;
/** A browser has read the file by then. */
const SAVED_MS = 60_000;

/** @param {object} message */
const json = (message) =>
  JSON.stringify(message).replace(/[\x7f-\x9f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * @param {string} href of the server's file: `…/download?format=text` or `json`
 * @param {{ keys: import("./seal.js").Keys, seat: number, you: string, text: import("./findings.js").Sentences }} who
 */
export async function download(href, { keys, seat, you, text }) {
  const url = new URL(href, location.href);
  const isJson = url.searchParams.get("format") === "json";
  const seatOf = (/** @type {{ senderName: string }} */ { senderName }) => (senderName === you ? seat : 3 - seat);
  const whole = reader(1);
  /** @type {string[]} */
  const lines = [];
  for (let after = 0, more = true; more; ) {
    const { ok, code, data } = await request(`${url.pathname.replace(/download$/, "messages")}?after=${after}&limit=${PAGE_LEN}`, undefined, PAGE_MS);
    if (!ok) throw new Error(String(code));
    const { messages, more: others } = data;
    const contents = await openAll(keys, seatOf, messages);
    for (const [at, message] of messages.entries()) {
      const opened = contents[at];
      if (!opened) whole.skip(message.id);
      const findings = opened ? whole.check(seatOf(message), message.id, opened, Date.parse(message.timestamp)) : [];
      const isShown = opened && !findings.some(({ kind }) => kind === "repeated");
      const warnings = opened ? findings.map((finding) => sentence(text, finding, message.senderName)) : [text.closed];
      const shown = { ...message, message: isShown ? opened.text : null, ...(warnings.length && { warnings }) };
      if (isJson) lines.push(json(shown));
      else {
        for (const warning of warnings) lines.push(tame(`*** ${warning}`));
        if (isShown) lines.push(tame(`[${message.timestamp}] ${message.senderName}: ${opened.text}`));
      }
      after = message.seq;
    }
    more = others && messages.length > 0;
  }
  const words = isJson ? `[\n${lines.join(",\n")}\n]\n` : `${lines.join("\n")}\n`;
  const file = URL.createObjectURL(new Blob([words], { type: isJson ? "application/json" : "text/plain" }));
  const anchor = document.createElement("a");
  Object.assign(anchor, { href: file, download: isJson ? "duet.json" : "duet.txt" });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(file), SAVED_MS);
}
