// An encrypted chat, as far as the other modules have to do with it. What seals and opens is in vault.js, which plain chats do not load.

import { write } from "./rich.js";
import { byId, config } from "./state.js";

/** @typedef {Exclude<import("./conversation.js").Conversation, string>} Conversation */

/** @type {Conversation | undefined} */
let current;

export const isSealed = config.encryption !== undefined;

/** The conversation of an encrypted chat, once it has begun. */
export const conversation = () => /** @type {Conversation} */ (current);

/** Opens what stands in the page. Answers whether there is a conversation. */
export async function begin() {
  const places = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-sealed]")]);
  const items = places.map((place) => /** @type {HTMLElement} */ (place.closest(".message")));
  const why = await unlock(Number(items[0]?.dataset.seq ?? config.lastSeq + 1));
  if (why) {
    for (const node of document.querySelectorAll(`[data-cannot="${why}"]`)) /** @type {HTMLElement} */ (node).hidden = false;
    byId("composer").hidden = true;
    return false;
  }
  const messages = items.map(({ dataset, classList }, at) => ({
    seq: Number(dataset.seq),
    id: dataset.id ?? "",
    senderName: classList.contains("mine") ? config.you : (config.peer ?? ""),
    message: places[at].dataset.sealed ?? "",
    timestamp: new Date(Number(dataset.at)).toISOString(),
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
        .catch(() => (byId("alert").textContent = config.encryption?.text.download_failed ?? ""));
    });
  }
  return true;
}

/** @param {number} firstSeq */
async function unlock(firstSeq) {
  if (!crypto.subtle) return "insecure";
  const begun = await import("./vault.js").then(({ converse }) => converse(config, firstSeq)).catch(() => "load");
  if (typeof begun === "string") return begun;
  current = begun;
  return undefined;
}
