// What a page of an encrypted chat does when the server says that the chat is not encrypted, or answers with another one.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { begin, enter, inChat, join, message, opened, register, say } from "../harness/flows.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../harness/person.js").Person} Person */
/** @typedef {import("../harness/relay.js").Relay} Relay */

shareBehindRelay();

const PLAIN = "the server says that this chat is not encrypted";
const OTHER = "The server answered with another chat.";

/** The page says why it is of no use, and there is nothing to write into. @param {Page} page @param {string} words */
async function refused(page, words) {
  await page.getByText(words).waitFor();
  await untilIs("places to write into", () => page.locator("textarea:visible, form:visible input[type=text]:visible:not([readonly])").count(), 0);
}

/** A page as the server gives it to somebody. @param {Relay} relay @param {Person} person @param {string} path */
async function pageOf(relay, { context, server }, path) {
  const cookies = await context.cookies(`${server.origin}${path}`);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  return relay.honest(path, { cookie, accept: "text/html", "accept-language": "en" });
}

/** Answers one address with another page. @param {Relay} relay @param {string} path @param {string} body */
function answerWith(relay, path, body) {
  relay.change = (asked, answer) => {
    if (asked.method === "GET" && asked.path === path) answer.body = body;
  };
}

/** @param {Relay} relay @param {string} word */
const neverSent = (relay, word) => assert.deepEqual(relay.asked.filter(({ body, path }) => body.includes(word) || path.includes(word)).map(({ path }) => path), []);

claim("a greeting that says nothing of encryption ends the conversation, in every tab", async ({ person, relay }) => {
  const abhi = await person();
  const { chat } = await begin(abhi);
  const second = await abhi.tab(chat);
  await opened(second);
  await say(abhi.page, "before");
  await message(second, "before").waitFor();
  relay.event = (name, data) => [[name, name === "hello" ? { ...data, encryption: undefined } : data]];
  await abhi.page.reload();
  await abhi.page.evaluate(() => dispatchEvent(new Event("online")));
  for (const page of [abhi.page, second]) {
    await until("a new stream", async () => {
      await page.evaluate(() => dispatchEvent(new Event("online")));
      return page.getByText(PLAIN).isVisible();
    });
    await refused(page, PLAIN);
  }
});

claim("a plain chat at the address of an encrypted one is refused by whoever has its key, at the door as well", async ({ person, relay }) => {
  const [abhi, stranger] = [await person(), await person()];
  const { page } = abhi;
  const plain = await register(abhi);
  const { link, chat } = await begin(abhi);
  const [here, there] = [link, plain.link].map((link) => new URL(link).pathname.split("/")[4]);
  const body = (await pageOf(relay, abhi, plain.chat)).replaceAll(there, here);
  assert.match(body, /id="composer"/);
  answerWith(relay, chat, body);
  const from = relay.asked.length;
  await page.reload();
  await refused(page, PLAIN);
  assert.equal(relay.asked.slice(from).filter(({ path }) => path.endsWith("/message_send")).length, 0);
  for (const leaf of ["", "/1/invite"]) {
    const door = `${new URL(link).pathname}${leaf}`;
    answerWith(relay, door, (await pageOf(relay, abhi, `${new URL(plain.link).pathname}${leaf}`)).replaceAll(there, here));
    await page.goto(door);
    await refused(page, PLAIN);
  }
  // Who has no key cannot know, and is not told.
  await stranger.page.goto(plain.link);
  await stranger.page.getByLabel("Your name").waitFor();
  assert.equal(await stranger.page.getByText(PLAIN).isVisible(), false);
});

claim("a fragment of another format, or a damaged one, does not open a plain chat", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await register(abhi);
  for (const fragment of [`v1.${"A".repeat(43)}`, `v1.${"A".repeat(42)}`, "v1.", "v1", `V1.${"A".repeat(43)}`, `v2.${"A".repeat(86)}`, `v1%2E${"A".repeat(43)}`]) {
    await anny.page.goto("about:blank");
    await anny.page.goto(`${link}#${fragment}`);
    await refused(anny.page, PLAIN);
    // Nothing has kept it, and without it the page would be that of a plain chat.
    await anny.page.reload();
    await refused(anny.page, PLAIN);
    assert.equal(new URL(anny.page.url()).hash, `#${fragment}`);
  }
});

claim("a login that is answered with a plain chat leads to nothing", async ({ person, relay, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  // Somebody made a plain chat between the same names, and the server sits Anny down in it.
  const mallory = await person();
  const plain = await register(mallory);
  await join(anny, plain.link);
  const { page } = anny;
  relay.change = (asked, answer) => {
    if (asked.method === "POST" && asked.path.endsWith(`${abhi.hash}/login`)) answer.headers.location = `${new URL(plain.link).pathname}/2`;
  };
  await page.goto(abhi.link);
  await page.getByLabel("Your name").fill("Anny");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await refused(page, PLAIN);
  assert.ok(page.url().startsWith(plain.link));
  // It is a chat of its own, for whoever goes there on purpose.
  await page.reload();
  await inChat(page);
  await page.getByLabel("Message", { exact: true }).waitFor();
});

claim("a new chat that is answered with a plain one is not handed on", async ({ person, relay }) => {
  const abhi = await person();
  const { page } = abhi;
  const plain = await register(abhi);
  relay.change = (asked, answer) => {
    if (asked.method === "POST" && asked.path === "/demo/chat/register") answer.headers.location = `${plain.chat}/invite`;
  };
  await page.goto("/");
  await page.getByText("Only the two of you can read this.").waitFor();
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByLabel("Their name").fill("Anny");
  await page.getByRole("button", { name: "Create the chat" }).click();
  await refused(page, PLAIN);
  assert.equal(await page.locator("#link").isVisible(), false);
});

claim("a login that is answered with another encrypted chat leads to nothing, and so does its page at this address", async ({ person, relay, server }) => {
  const anny = await person();
  const { page } = anny;
  const [abhi, carol] = [await Speaker.begin(server.origin), await Speaker.begin(server.origin, { you: "Carol" })];
  await carol.say("a word of Carol");
  await enter(anny, carol.link);
  await message(page, "a word of Carol").waitFor();
  relay.change = (asked, answer) => {
    if (asked.method === "POST" && asked.path.endsWith(`${abhi.hash}/login`)) answer.headers.location = carol.seat(2);
  };
  await page.goto(abhi.link);
  await page.getByLabel("Your name").fill("Anny");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await refused(page, OTHER);
  assert.equal(await page.getByText("a word of Carol").count(), 0);

  const other = await pageOf(relay, anny, carol.seat(2));
  assert.match(other, /data-sealed/);
  // As it is, and with this chat's address everywhere but in its key.
  for (const body of [other, other.replaceAll(carol.seat(2), abhi.seat(2))]) {
    answerWith(relay, abhi.seat(2), body);
    await page.goto(abhi.seat(2));
    await refused(page, OTHER);
    assert.equal(await page.getByText("a word of Carol").count(), 0);
  }
  // With this chat's hash everywhere nothing of the other opens. Of more messages than there are no receipt is taken.
  anny.expectStatus(400);
  answerWith(relay, abhi.seat(2), other.replaceAll(carol.hash, abhi.hash));
  await page.goto(abhi.seat(2));
  await opened(page);
  await page.getByText("This message does not open").first().waitFor();
  assert.equal(await page.getByText("a word of Carol").count(), 0);

  const door = `/demo/chat/user/${abhi.hash}`;
  answerWith(relay, door, await pageOf(relay, anny, `/demo/chat/user/${carol.hash}`));
  await page.goto(door);
  await refused(page, OTHER);
});

claim("whoever holds one seat is shown nothing in the other", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link, chat } = await begin(abhi);
  await enter(anny, link);
  await say(anny.page, "a word of Anny");
  await message(abhi.page, "a word of Anny").waitFor();
  await abhi.context.addCookies((await anny.context.cookies()).filter(({ path }) => path.endsWith("/2")));
  await abhi.page.goto(chat.replace(/1$/, "2"));
  await refused(abhi.page, "The server let you in as the other person.");
  assert.equal(await abhi.page.getByText("a word of Anny").count(), 0);
  await abhi.page.goto(chat);
  await message(abhi.page, "a word of Anny").waitFor();
});

claim("a page that was made plain sends nothing of what is typed", async ({ person, relay }) => {
  const abhi = await person();
  const { page } = abhi;
  const plain = await register(abhi);
  const { link, chat } = await begin(abhi);
  await page.getByLabel("Message", { exact: true }).pressSequentially("DRAFT-marker");
  await until("the draft", () => page.evaluate(() => JSON.stringify(sessionStorage)), (kept) => kept.includes("duet:draft"));
  const [here, there] = [link, plain.link].map((link) => new URL(link).pathname.split("/")[4]);
  answerWith(relay, chat, (await pageOf(relay, abhi, plain.chat)).replaceAll(there, here));
  await page.reload();
  await refused(page, PLAIN);
  neverSent(relay, "DRAFT-marker");
});
