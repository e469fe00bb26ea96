// What people do, by the words they read. Everything here works with and without scripts.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";

import { until, untilIs } from "./until.js";

/** @typedef {import("./person.js").Person} Person */
/** @typedef {import("playwright-core").Page} Page */

/**
 * Makes a chat, and stops at the invitation. A plain one unless asked otherwise: it works with and without scripts.
 * @param {Person} person @param {{ you?: string, peer?: string, lifetime?: string, encrypted?: boolean }} [as]
 */
export async function register({ page }, { you = "Abhi", peer = "Anny", lifetime, encrypted = false } = {}) {
  await page.goto("/");
  if (!encrypted) await choosePlain(page);
  else await page.getByText("Only the two of you can read this.").waitFor();
  await page.getByLabel("Your name").fill(you);
  await page.getByLabel("Their name").fill(peer);
  if (lifetime) await page.getByRole("radio", { name: lifetime }).check();
  await page.getByRole("button", { name: "Create the chat" }).click();
  await page.getByLabel("The link", { exact: true }).first().waitFor();
  // The page itself completes the link of an encrypted chat.
  const link = await until("the link", () => page.locator("#link").inputValue());
  return { link, code: await returnCode(page), chat: `${new URL(link).pathname}/1` };
}

/** On the start page: the switch for a plain chat, which scripts bring. @param {Page} page */
export async function choosePlain(page) {
  if (await page.evaluate(() => matchMedia("(scripting: none)").matches)) return;
  await page.locator("[data-choice] summary").click();
  await page.locator("#plain").check();
}

/** The return code, where a page shows one. @param {Page} page */
export const returnCode = (page) => page.locator("#return-code").inputValue();

/** Says that the return code is saved, which takes it off the page. @param {Page} page */
export async function saveCode(page) {
  const saved = page.getByRole("button", { name: "Saved" });
  await saved.click();
  await saved.waitFor({ state: "hidden" });
}

/** From the invitation into the chat. @param {Person} person */
export async function openMySide({ page }) {
  await page.getByRole("link", { name: "Go to the chat" }).click();
  await inChat(page);
}

/** Opens the link and sits down. @param {Pick<Person, "page">} person @param {string} link @param {string} [name] */
export async function join({ page }, link, name = "Anny") {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await inChat(page);
  return { chat: new URL(page.url()).pathname };
}

/** The chat is there, and its scripts have run: they do so ahead of this state. @param {Page} page */
export async function inChat(page) {
  await page.getByRole("region", { name: "Messages" }).waitFor();
  await page.waitForLoadState("domcontentloaded");
}

/**
 * Both seats taken, both chats open. The way there leads over requests, since most claims begin here: that the forms lead here too is
 * claimed of the forms.
 * @param {Person} one @param {Person} two
 */
export async function meet(one, two, { you = "Abhi", peer = "Anny" } = {}) {
  const { url: link } = await tell(one, "/demo/chat/register", { userOne: you, userTwo: peer });
  const { pathname } = new URL(link);
  const { returnCode: code } = await tell(two, `${pathname}/login`, { user: peer });
  const [first, second] = [`${pathname}/1`, `${pathname}/2`];
  await Promise.all([one.page.goto(first), two.page.goto(second)]);
  await Promise.all([inChat(one.page), inChat(two.page)]);
  return { link, one: { chat: first }, two: { chat: second, code } };
}

/**
 * The same by the forms, so that the pages on the way lie behind the Back button.
 * @param {Person} one @param {Person} two @param {{ you?: string, peer?: string, encrypted?: boolean }} [as]
 */
export async function meetByForms(one, two, as = {}) {
  const { link, chat } = await register(one, as);
  await openMySide(one);
  return { link, one: { chat }, two: await join(two, link, as.peer) };
}

/** The texts of an encrypted chat are open. @param {Page} page */
export async function opened(page) {
  await inChat(page);
  await page.locator("#chat:not([data-opening])").waitFor();
}

/** Takes a seat of an encrypted chat by its whole link. @param {Pick<Person, "page">} person @param {string} link @param {string} [name] */
export async function enter({ page }, link, name = "Anny") {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(page);
}

/** Makes an encrypted chat and opens it. @param {Person} person */
export async function begin(person) {
  const { link, code, chat } = await register(person, { encrypted: true });
  await openMySide(person);
  await opened(person.page);
  return { link, code, chat };
}

/** Comes by a chat's link to a seat that is taken. @param {Page} page @param {string} link @param {string} name */
export async function knock(page, link, name) {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await page.getByRole("heading", { name: "has already joined" }).waitFor();
}

/** Lets somebody in who asks for seat 2. @param {Page} page of seat 1 @param {Page} newcomer */
export async function letIn(page, newcomer) {
  const allow = page.getByRole("button", { name: "Allow" });
  await allow.waitFor();
  await until("the other person is let in", async () => {
    // It stays while the seat's owner may still be there, and goes in the moment of an answer. A press on a busy page takes a while.
    await allow.click({ timeout: 10_000 }).catch(() => {});
    return newcomer.waitForURL(/\/2$/, { timeout: 5_000, waitUntil: "commit" }).then(() => true, () => false);
  });
}

/** What a press downloads. @param {Page} page @param {() => Promise<void>} press */
export async function downloaded(page, press) {
  const [file] = await Promise.all([page.waitForEvent("download"), press()]);
  return readFile(await file.path(), "utf8");
}

/** Writes into the composer and presses Enter. @param {Page} page @param {string} text */
export async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByLabel("Message", { exact: true }).press("Enter");
}

/** The same with the button, which is all there is without scripts. @param {Page} page @param {string} text */
export async function post(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** A message by its text. @param {Page} page @param {string} text */
export const message = (page, text) =>
  page.locator("#messages .message").filter({ has: page.locator(".text", { hasText: text }) });

/** Chooses a language in the menu of a chat that is in English. @param {Page} page @param {string} language */
export async function speak(page, language) {
  if (language === "en") return;
  await page.locator("#menu summary").click();
  await page.locator(`button[name=language][value=${language}]`).click();
  await page.locator(`html[lang=${language}]`).waitFor({ state: "attached" });
  await page.waitForLoadState("load");
}

/** A page's markup, which is none while one page goes and the next one comes. @param {Page} page */
export const contentOf = (page) => until("a page stands", () => page.content());

/** All texts in their order. @param {Page} page */
export const texts = (page) => page.locator("#messages .message .text").allTextContents();

/** Waits until a message of one's own is so far. @param {Page} page @param {string} text @param {"Sending" | "Sent" | "Delivered" | "Seen" | "Not sent"} word */
export const untilTick = (page, text, word) =>
  untilIs(`the tick of "${text}"`, () => message(page, text).locator(".tick-word").textContent(), word);

/** Opens the menu and presses an entry. @param {Page} page @param {string} entry */
export async function choose(page, entry) {
  const menu = page.locator("#menu");
  if (!(await menu.evaluate((menu) => /** @type {HTMLDetailsElement} */ (menu).open))) await menu.locator("summary").click();
  await menu.getByText(entry, { exact: true }).click();
}

/** Ends the chat by the dialog. @param {Page} page */
export async function endForBoth(page) {
  await choose(page, "End the chat");
  await page.getByRole("button", { name: "End for both" }).click();
}

/**
 * Asks, or tells where there is a body, as a script with the person's cookie would. Every time on a connection of its own: an idle
 * one may be closed by the server in the very moment it is used again, which a browser makes good and this client does not.
 * @param {Person} person @param {string} path @param {Record<string, unknown>} [body]
 */
export async function tell({ context }, path, body) {
  const headers = { Accept: "application/json", Connection: "close" };
  const answer = await context.request.fetch(path, { headers, ...(body && { method: "POST", data: { data: body } }) });
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return (await answer.json()).data;
}

/** Puts many messages into a chat, in their order, over one connection. @param {Person} person @param {string} chat @param {string[]} lines */
export async function pour({ context, server }, chat, lines) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const cookies = (await context.cookies(`${server.origin}${chat}`)).map(({ name, value }) => `${name}=${value}`).join("; ");
  const headers = { Cookie: cookies, Accept: "application/json", "Content-Type": "application/json" };
  try {
    for (const message of lines) {
      const sent = request(`${server.origin}${chat}/message_send`, { method: "POST", agent, headers });
      sent.end(JSON.stringify({ data: { message } }));
      const [answer] = await once(sent, "response");
      answer.resume();
      await once(answer, "end");
      if (answer.statusCode !== 200) throw new Error(`${chat}: ${answer.statusCode}`);
    }
  } finally {
    agent.destroy();
  }
}
