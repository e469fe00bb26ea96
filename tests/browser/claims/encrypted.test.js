// Encrypted chats, from making one to its end.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { begin, choose, downloaded, endForBoth, enter, knock, letIn, message, opened, openMySide, register, returnCode, say, tell, texts, untilTick } from "../harness/flows.js";
import { remains } from "../harness/remains.js";
import { scan } from "../harness/scan.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */

share();

/** @param {Page} page */
const linkOf = (page) => page.locator("#link").inputValue();

/** What this browser holds of links. @param {Page} page */
const databases = (page) => page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));

claim("a new chat is encrypted, says so, and its link carries the key where no server sees it", async ({ person, browser, server }) => {
  const abhi = await person({ permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = abhi;
  const { link: whole } = await register(abhi, { encrypted: true });
  assert.match(whole, /#v1\.[\w-]{43}$/);
  await page.getByText("Only the two of you can read this.").waitFor();
  await until("the code is drawn", () => page.locator("svg.qr path").count());
  assert.equal(await scan(page.getByRole("img", { name: "QR code of the link" }), browser), whole);
  await page.locator('[data-copy="link"]').click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), whole);
  await openMySide(abhi);
  await opened(page);
  assert.equal(await linkOf(page), whole);
  assert.ok(!server.log.includes(whole.split("#v1.")[1]));
});

claim("the guest of an encrypted chat finds the whole link, and is told that it is needed", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await begin(abhi);
  await enter(anny, link);
  const { page } = anny;
  await choose(page, "Log out");
  await page.getByRole("dialog").getByText("to come back you need the chat’s whole link and your return code").waitFor();
  await page.getByRole("dialog").getByRole("link", { name: "The chat’s link" }).click();
  await page.getByRole("heading", { name: "The chat’s link" }).waitFor();
  await untilIs("the link", () => linkOf(page), link);
  assert.equal(await page.getByText("Nobody else can join").count(), 1);
  assert.match(await returnCode(page), /^[A-Z0-9-]{16,}$/);
  await page.getByRole("link", { name: "Go to the chat" }).click();
  await opened(page);
  await choose(page, "The chat’s link");
  await untilIs("the link", () => linkOf(page), link);
});

claim("a double click makes one encrypted chat, and a try that failed is made again with the same link", async ({ person }) => {
  const abhi = await person();
  abhi.expectStatus(400);
  const { page } = abhi;
  await page.goto("/");
  await page.getByText("Only the two of you can read this.").waitFor();
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByLabel("Their name").fill("abhi");
  await page.getByRole("button", { name: "Create the chat" }).click();
  await page.locator("#problem").waitFor();
  const reserved = await page.locator("input[name=hash]").getAttribute("value");
  await page.getByText("Only the two of you can read this.").waitFor();
  await page.getByLabel("Their name").fill("Anny");
  await page.getByRole("button", { name: "Create the chat" }).dblclick();
  await until("the link", () => linkOf(page));
  assert.ok((await linkOf(page)).includes(`/${reserved}#v1.`));
});

claim("two people talk in an encrypted chat: live, in a second tab, after a reload, in a download, to the end", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  for (const one of [abhi, anny]) one.expectStatus(410);
  const { link } = await begin(abhi);
  await say(abhi.page, "Before you came, see example.org");
  await untilTick(abhi.page, "Before you came, see example.org", "Sent");
  await enter(anny, link);
  assert.equal(new URL(anny.page.url()).hash, "");
  await message(anny.page, "Before you came, see example.org").waitFor();
  assert.equal(await message(anny.page, "Before you came").getByRole("link").count(), 1);
  await untilTick(abhi.page, "Before you came, see example.org", "Seen");
  await say(anny.page, "Hello 👋\nsecond line");
  await message(abhi.page, "Hello 👋").waitFor();
  const second = await abhi.tab(new URL(abhi.page.url()).pathname);
  await opened(second);
  await say(abhi.page, "From the first tab");
  await message(second, "From the first tab").waitFor();
  await say(second, "From the second tab");
  for (const page of [abhi.page, anny.page]) await message(page, "From the second tab").waitFor();
  await untilTick(second, "From the second tab", "Seen");
  const said = ["Before you came, see example.org", "Hello 👋\nsecond line", "From the first tab", "From the second tab"];
  for (const page of [abhi.page, second, anny.page]) {
    assert.deepEqual(await texts(page), said);
    await page.reload();
    await opened(page);
    assert.deepEqual(await texts(page), said);
    assert.equal(await page.locator(".note, .closed").count(), 0);
  }
  const text = await downloaded(anny.page, async () => {
    await choose(anny.page, "Download…");
    await anny.page.getByRole("link", { name: "Download as text" }).click();
  });
  assert.match(text, /Z\] Anny: Hello 👋\n {4}second line\n/);
  assert.equal(text.split("\n").length, 6);
  const json = await downloaded(anny.page, async () => {
    await choose(anny.page, "Download…");
    await anny.page.getByRole("link", { name: "Download as JSON" }).click();
  });
  assert.deepEqual(JSON.parse(json).map((/** @type {{ message: string }} */ { message }) => message), said);

  await endForBoth(anny.page);
  for (const page of [abhi.page, second, anny.page]) await page.getByText("The chat has ended").first().waitFor();
  for (const one of [abhi, anny]) await untilIs("what is left", () => remains(one), []);
});

claim("an unsent draft and an unsent message survive a reload as ciphertext only", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(503);
  abhi.expectOutage();
  const { link } = await begin(abhi);
  await enter(anny, link);
  await abhi.context.setOffline(true);
  await say(abhi.page, "WAITING-marker");
  await abhi.page.getByLabel("Message", { exact: true }).pressSequentially("DRAFT-marker");
  const kept = () => abhi.page.evaluate(() => JSON.stringify(sessionStorage));
  await until("both are kept", kept, (kept) => kept.includes("duet:draft") && kept.includes("duet:outbox"));
  assert.ok(!(await kept()).includes("marker"), await kept());
  await abhi.page.route("**/message_send", (route) => route.abort());
  await abhi.context.setOffline(false);
  abhi.page.on("dialog", (dialog) => dialog.accept());
  await abhi.page.reload();
  await opened(abhi.page);
  await message(abhi.page, "WAITING-marker").waitFor();
  await untilIs("the draft", () => abhi.page.getByLabel("Message", { exact: true }).inputValue(), "DRAFT-marker");
  await abhi.page.unroute("**/message_send");
  await message(anny.page, "WAITING-marker").waitFor();
});

claim("a draft that is too long for a message survives a reload of an encrypted chat whole", async ({ person }) => {
  const abhi = await person();
  await begin(abhi);
  const words = "secret 🦜 ".repeat(4_000);
  await abhi.page.getByLabel("Message", { exact: true }).fill(words);
  const kept = () => abhi.page.evaluate(() => Object.entries(sessionStorage).find(([key]) => key.startsWith("duet:draft"))?.[1] ?? "");
  await until("all of it is kept", kept, (kept) => kept.length > words.length);
  assert.ok(!(await kept()).includes("secret"));
  await abhi.page.reload();
  await opened(abhi.page);
  await untilIs("the draft", () => abhi.page.getByLabel("Message", { exact: true }).inputValue(), words);
});

claim("a link without its key, or with another one, opens nothing and says what to ask for", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(403);
  const { link } = await begin(abhi);
  await anny.page.goto(link.split("#")[0]);
  await anny.page.getByText("This link is incomplete: ask for the whole link, with what follows the #.").waitFor();
  assert.equal(await anny.page.getByLabel("Your name").isVisible(), false);
  await anny.page.goto(`${link.split("#")[0]}#v1.${"A".repeat(43)}`);
  await anny.page.getByLabel("Your name").fill("Anny");
  await anny.page.getByRole("button", { name: "Enter", exact: true }).click();
  await anny.page.locator("#problem").getByText("This link is incomplete").waitFor();
  await enter(anny, link);
});

claim("a link with a key that leads to a plain chat is refused", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await register(abhi);
  const whole = `${link}#v1.${"A".repeat(43)}`;
  await anny.page.goto(whole);
  await anny.page.getByText("the server says that this chat is not encrypted").waitFor();
  assert.equal(await anny.page.getByLabel("Your name").isVisible(), false);
  assert.equal(anny.page.url(), whole);
});

claim("logged out, the key goes from the browser, also from other tabs; the link and the code lead back", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(401);
  const { link, code } = await begin(abhi);
  await enter(anny, link);
  await say(abhi.page, "Remember me");
  await message(anny.page, "Remember me").waitFor();
  const second = await abhi.tab(new URL(abhi.page.url()).pathname);
  await opened(second);
  await choose(abhi.page, "Log out");
  await abhi.page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  for (const page of [abhi.page, second]) await page.getByText("You are logged out").waitFor();
  await untilIs("the databases", () => databases(second), []);
  await abhi.page.goto(link);
  await abhi.page.getByLabel("Your name").fill("Abhi");
  await abhi.page.getByText("I have a code").click();
  await abhi.page.getByLabel("Return code").fill(code);
  await abhi.page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(abhi.page);
  assert.deepEqual(await texts(abhi.page), ["Remember me"]);
});

claim("another device gets the key with its link, and somebody who is let in has it from theirs", async ({ person, browser }) => {
  const [abhi, anny, phone, lost] = [await person(), await person(), await person(), await person()];
  for (const one of [abhi, lost]) one.expectStatus(409);
  const { link } = await begin(abhi);
  await enter(anny, link);
  await say(anny.page, "On every device");
  await untilTick(anny.page, "On every device", "Seen");
  await choose(anny.page, "Open on another device");
  const device = anny.page.locator("#device-link");
  await until("the link for the device", () => device.inputValue(), (link) => link.includes("#v1."));
  await until("the code is drawn", () => anny.page.locator("svg.qr path").count());
  const scanned = await scan(anny.page.getByRole("img"), browser);
  assert.equal(scanned, await device.inputValue());
  await phone.page.goto(String(scanned));
  await untilIs("what follows the #", () => new URL(phone.page.url()).hash, "");
  await phone.page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(phone.page);
  assert.deepEqual(await texts(phone.page), ["On every device"]);

  await phone.page.close();
  await anny.page.goto("about:blank");
  await knock(lost.page, link, "Anny");
  await lost.page.getByRole("button", { name: "Ask to be let in" }).click();
  await letIn(abhi.page, lost.page);
  await opened(lost.page);
  assert.deepEqual(await texts(lost.page), ["On every device"]);
});

claim("without scripts an encrypted chat says that it needs them, and takes no text", async ({ person }) => {
  const [abhi, plain] = [await person(), await person({ javaScriptEnabled: false })];
  const { link } = await begin(abhi);
  await plain.page.goto(link);
  await plain.page.getByText("This chat is encrypted and needs JavaScript to be read.").waitFor();
  assert.equal(await plain.page.getByRole("button", { name: "Enter", exact: true }).isVisible(), false);
  await plain.context.addCookies(await abhi.context.cookies());
  await plain.page.goto(new URL(abhi.page.url()).pathname);
  await plain.page.getByText("This chat is encrypted and needs JavaScript to be read.").waitFor();
  assert.equal(await plain.page.locator("#composer").isVisible(), false);
});

claim("older messages of an encrypted chat have a page that offers no field, and leads to where one can write", async ({ person, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  await abhi.pour(Array.from({ length: 60 }, (_, at) => `line ${at + 1}`));
  await enter(anny, abhi.link);
  const chat = page.url();
  await page.goto(`${chat}?before=20`);
  await opened(page);
  await message(page, "line 19").waitFor();
  assert.equal(await page.locator("#composer, textarea").count(), 0);
  await page.getByText("These are older messages. You can write below the newest ones.").waitFor();
  await page.locator(".below").getByRole("link", { name: "To the newest messages" }).click();
  await page.waitForURL(chat);
  await opened(page);
  await say(page, "Written here");
  await until("it is stored", async () => (await abhi.newest())?.message.startsWith("v1."));
  // What the page of older messages offers, it does.
  await page.goto(`${chat}?before=20`);
  await opened(page);
  await choose(page, "Log out");
  await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out").first().waitFor();
  await untilIs("the databases", () => databases(page), []);
});

claim("without scripts a new chat is a plain one, and says so", async ({ person }) => {
  const { page } = await person({ javaScriptEnabled: false });
  await page.goto("/");
  await page.getByText("The server can read messages while the chat exists.").waitFor();
  assert.equal(await page.getByText("Only the two of you can read this.").isVisible(), false);
  assert.equal(await page.locator("[data-choice]").isVisible(), false);
});

claim("a part of the door that does not load is told of", async ({ person, server }) => {
  const [zoe, abhi] = [await person(), await Speaker.begin(server.origin)];
  zoe.expectOutage();
  await zoe.page.route("**/vault.js", (route) => route.abort());
  await zoe.page.goto(abhi.link);
  await zoe.page.getByText("A part of this page could not be loaded.").waitFor();
  assert.equal(await zoe.page.getByLabel("Your name").isVisible(), false);
});

claim("at an address that is not secure an encrypted chat says so, and a key opens no plain chat", async ({ person, server }) => {
  const [anny, zoe] = [await person(), await person()];
  const abhi = await Speaker.begin(server.origin);
  for (const { context } of [anny, zoe]) {
    await context.addInitScript(() => Object.defineProperty(Crypto.prototype, "subtle", { get: () => undefined }));
  }
  await anny.page.goto(abhi.link);
  await anny.page.getByText("Browsers open encrypted chats at secure addresses (https) only.").waitFor();
  // To be opened at another address, as a whole.
  assert.equal(anny.page.url(), abhi.link);
  assert.equal(await anny.page.getByLabel("Your name").isVisible(), false);
  const { url } = await tell(zoe, "/demo/chat/register", { userOne: "Zoe", userTwo: "Anny" });
  await zoe.page.goto(`${url}#v1.${"A".repeat(43)}`);
  await zoe.page.getByText("the server says that this chat is not encrypted").waitFor();
  assert.equal(await zoe.page.getByLabel("Your name").isVisible(), false);
});
