// Encrypted chats: what they look like, and what they say where something is missing or was touched.

import { tell } from "../flows.js";
import { people, talk } from "../samples.js";
import { until } from "../until.js";
import { press, submit } from "./steps.js";

/** @typedef {import("./steps.js").Walk} Walk */
/** @typedef {import("playwright-core").Page} Page */

const HOUR_MS = 3_600_000;

/** The texts of the page are open. @param {Page} page */
const opened = (page) => page.locator("#chat:not([data-opening])").waitFor();

/** @param {Page} page @param {string} words */
async function write(page, words) {
  await page.locator("#message").fill(words);
  await page.keyboard.press("Enter");
}

/** Making one, coming in, talking. @param {Walk} walk */
export async function encrypted(walk) {
  if (!walk.scripts) return withoutScripts(walk);
  const { person, language, show } = walk;
  const { you, peer } = people[language];
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  await page.goto("/");
  await page.locator("#register [data-sealed]").waitFor();
  await page.locator("[data-choice] summary").click();
  await show("register-choice", page);
  await submit(page, { "user-one": you, "user-two": peer });
  const whole = await until("the whole link", () => page.locator("#link").inputValue(), (link) => link.includes("#v1."));
  await until("the code is drawn", () => page.locator("svg.qr path").count());
  await show("invite-encrypted", page);
  const { pathname } = new URL(whole);
  await page.goto(`${pathname}/1`);
  await opened(page);
  await show("chat-encrypted-nobody", page);

  await anny.page.goto(pathname);
  await anny.page.locator('[data-cannot="incomplete"]').waitFor();
  await show("login-incomplete", anny.page);
  // A clock that goes ahead: the others are told when its owner says to have written.
  await anny.page.clock.install({ time: Date.now() + HOUR_MS });
  await anny.page.goto(whole);
  await anny.page.locator("#login").waitFor();
  await show("login-encrypted", anny.page);
  await submit(anny.page, { user: peer });
  await opened(anny.page);
  for (const [at, [seat, words]] of talk[language].slice(0, 3).entries()) {
    const [from, to] = seat === 1 ? [page, anny.page] : [anny.page, page];
    await write(from, words);
    for (const one of [from, to]) await until("it has arrived", () => one.locator("#messages [data-seq]").count(), (count) => count > at);
  }
  // A text that was moved to another place by whoever keeps it.
  const { messages } = await tell(anny, `${pathname}/2/messages?after=0&limit=1`);
  await tell(anny, `${pathname}/2/message_send`, { message: messages[0].message, id: crypto.randomUUID() });
  await page.locator("#messages .closed").waitFor();
  await until("the times that differ are told", () => page.locator("#messages .note").count());
  await show("chat-encrypted", page);
  await press(page, "device");
  await until("the link for the device", () => page.locator("#device-link").inputValue(), (link) => link.includes("#v1."));
  await show("device-encrypted", page);
}

/** What they say to a browser that runs none. @param {Walk} walk */
async function withoutScripts({ person, language, show }) {
  const { you, peer } = people[language];
  const abhi = await person();
  const { page } = abhi;
  const { hash } = await tell(abhi, "/demo/chat/register/hash", {});
  const auth = Buffer.alloc(32, 7).toString("base64url");
  await tell(abhi, "/demo/chat/register", { userOne: you, userTwo: peer, hash, encryption: "v1", auth });
  for (const [name, path] of [["login-encrypted", ""], ["chat-encrypted", "/1"], ["invite-encrypted", "/1/invite"]]) {
    await page.goto(`/demo/chat/user/${hash}${path}`);
    await page.locator(".no-js-only").first().waitFor();
    await show(name, page);
  }
}
