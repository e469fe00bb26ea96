// Many chats in one browser. Over HTTP/1.1 it opens six connections to a server, and every stream takes one.

import { claim, share } from "../harness/claim.js";
import { inChat, message, say, tell, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share();

const CHATS = 9;

claim("nine chats in one browser all load, hear and send, and a closed one makes room", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  /** @type {{ page: import("playwright-core").Page, peer: string }[]} */
  const chats = [];
  for (let number = 1; number <= CHATS; number++) {
    const { url } = await tell(abhi, "/demo/chat/register", { userOne: "Abhi", userTwo: "Anny" });
    const { pathname } = new URL(url);
    await tell(anny, `${pathname}/login`, { user: "Anny" });
    const page = await abhi.tab(`${pathname}/1`);
    await inChat(page);
    chats.push({ page, peer: `${pathname}/2` });
  }
  for (const [number, { page, peer }] of chats.entries()) {
    await tell(anny, `${peer}/message_send`, { message: `Into chat ${number}` });
    await message(page, `Into chat ${number}`).waitFor();
    await say(page, `Out of chat ${number}`);
    await untilTick(page, `Out of chat ${number}`, "Sent");
    await until("the other person is told to be away", () => page.locator("#presence").textContent(), (words) => words !== "Connecting…");
    await untilIs("the banner", () => page.locator("#connection").isVisible(), false);
  }
  // As the other person sees it, every one of them is there.
  const { peer } = chats[CHATS - 1];
  await anny.page.goto(peer);
  await inChat(anny.page);
  await until("the last chat is online", () => anny.page.locator("#presence").textContent(), (words) => words === "Online");
  for (const { page } of chats.slice(0, CHATS - 1)) await page.close();
  // With a stream of its own the last one hears what is told to open streams alone.
  await until("it hears that somebody writes", async () => {
    await tell(anny, `${peer}/typing`, {});
    return chats[CHATS - 1].page.locator("#typing").textContent();
  });
});

claim("without locks, as on a plain address of a local network, the tabs that nobody looks at make room", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await abhi.context.addInitScript(() => {
    Reflect.deleteProperty(Navigator.prototype, "locks");
    Reflect.deleteProperty(Crypto.prototype, "randomUUID");
  });
  /** @type {{ page: import("playwright-core").Page, peer: string }[]} */
  const chats = [];
  for (let number = 1; number <= CHATS; number++) {
    const { url } = await tell(abhi, "/demo/chat/register", { userOne: "Abhi", userTwo: "Anny" });
    const { pathname } = new URL(url);
    await tell(anny, `${pathname}/login`, { user: "Anny" });
    const page = await abhi.tab(`${pathname}/1`);
    await inChat(page);
    await say(page, `Out of chat ${number}`);
    await untilTick(page, `Out of chat ${number}`, "Sent");
    await setHidden(page, true);
    chats.push({ page, peer: `${pathname}/2` });
  }
  for (const [number, { page, peer }] of chats.entries()) {
    await tell(anny, `${peer}/message_send`, { message: `Into chat ${number}` });
    await message(page, `Into chat ${number}`).waitFor();
  }
});
