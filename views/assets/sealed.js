// An encrypted chat, as far as the other modules have to do with it. What seals and opens is in vault.js, which plain chats do not load.

import { cannot } from "./cannot.js";
import { become } from "./connection.js";
import { write } from "./rich.js";
import { byId, config } from "./state.js";
import { strip } from "./strips.js";

/** @typedef {Exclude<import("./conversation.js").Conversation, string>} Conversation */

/** @type {Conversation | undefined} */
let current;

export const isSealed = config.encryption !== undefined;

/** The conversation of an encrypted chat, once it has begun. */
export const conversation = () => /** @type {Conversation} */ (current);

/** Stops showing and sending messages, and says why. @param {string} why */
export function refuse(why) {
  become("over");
  cannot(why);
  byId("chat").dataset.refused = "";
}

/**
 * Opens what stands in the page. Answers whether there is a conversation.
 * @param {string | null} wanted the hash of the chat that was asked for, where that is known
 */
export async function begin(wanted) {
  // All there are: one that came as plain text does not open either.
  const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#messages .text")]);
  const items = places.map((place) => /** @type {HTMLElement} */ (place.closest("li")));
  // Where nothing lies before the page, its part begins with the chat, whatever number the server gave to its first message.
  const why = await unlock(config.more ? Number(items[0]?.dataset.seq) : 1, wanted);
  if (why) {
    cannot(why);
    // There is none on a page of older messages.
    document.getElementById("composer")?.setAttribute("hidden", "");
    return false;
  }
  const messages = items.map(({ dataset, classList }, at) => ({
    seq: Number(dataset.seq),
    id: dataset.id ?? "",
    senderName: classList.contains("mine") ? config.you : (config.peer ?? ""),
    message: places[at].dataset.sealed ?? places[at].textContent,
    timestamp: items[at].querySelector("time")?.dateTime ?? "",
  }));
  for (const [at, opened] of (await conversation().open(messages)).entries()) {
    delete places[at].dataset.sealed;
    write(places[at], opened.message);
    conversation().dress(items[at], opened);
  }
  delete byId("chat").dataset.opening;
  for (const anchor of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a[download]"))) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      conversation()
        .download(anchor.href)
        .catch(() => strip(config.encryption?.text.download_failed ?? ""));
    });
  }
  return true;
}

/** @param {number} firstSeq @param {string | null} wanted */
async function unlock(firstSeq, wanted) {
  if (!crypto.subtle) return "insecure";
  const begun = await import("./vault.js").then(({ converse }) => converse(config, firstSeq, wanted)).catch(() => "load");
  if (typeof begun === "string") return begun;
  current = begun;
  return undefined;
}
