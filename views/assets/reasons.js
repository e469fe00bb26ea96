// Why a message was not taken, in the page's language.

import { text } from "./say.js";

/** @typedef {{ reason: string, final: boolean }} Failure `final`: sending the same again cannot help */

/** @param {import("./request.js").Answer} answer @returns {Failure} */
export function why({ code, data }) {
  const reason = { 400: text.bad_character, 413: text.too_long_one, 422: text.twice }[code] ?? (data?.error === "chat_full" ? text.full : undefined);
  return { reason: reason ?? (code === 500 ? text.defect : text.not_taken), final: reason !== undefined };
}
