// A walk through every page and every state of one, in any language, with scripts and without: for whoever looks at them all. What
// only encrypted chats have is in gallery/encrypted.js.

import { failing, talking } from "./gallery/talk.js";
import { beginning, entering, returning, unnamed } from "./gallery/way_in.js";
import { leaving } from "./gallery/way_out.js";
import { settle } from "./look.js";

/** @typedef {import("playwright-core").Page} Page */

/** @param {import("./gallery/steps.js").Walk} asked */
export async function walk(asked) {
  const show = asked.show;
  const step = { ...asked, show: async (/** @type {string} */ name, /** @type {Page} */ page) => show(name, await settle(page)) };
  const { abhi, chat, link } = await beginning(step);
  const anny = await entering(step, link);
  const at = { abhi, anny, chat, link };
  await talking(step, at);
  at.anny = await returning(step, at);
  await failing(step, at);
  await leaving(step, at);
  await unnamed(step);
}
