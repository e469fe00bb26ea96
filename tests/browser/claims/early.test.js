// Who presses before a page has its scripts or its key: on a slow line they come seconds after its forms, or not at all.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { begin, enter, message, opened, register, say, tell, untilTick } from "../harness/flows.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */

share();

/** Keeps a script from a page until what it answers with is called. @param {Page} page @param {string} script */
async function without(page, script) {
  let come = () => {};
  const there = new Promise((resolve) => (come = () => resolve(undefined)));
  await page.route(`**/${script}`, async (route) => {
    await there;
    await route.continue();
  });
  return come;
}

/** What a page sends from here on. @param {Page} page */
function sends(page) {
  /** @type {string[]} */
  const sent = [];
  page.on("request", (request) => void (request.method() === "POST" && sent.push(new URL(request.url()).pathname)));
  return sent;
}

/** Not every browser knows `blocking="render"`: the others show a page before its first script is there. @param {Page} page */
async function unblocked(page) {
  await page.route("**/*", async (route) => {
    const request = route.request();
    if (request.resourceType() !== "document" || request.method() !== "GET") return route.fallback();
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll(' blocking="render"', "") });
  });
}

const LATE = "A part of this page is still on its way.";

claim("a new chat cannot be asked for before its page has scripts, and the page says why", async ({ person }) => {
  const { page } = await person();
  await unblocked(page);
  const come = await without(page, "every.js");
  await page.goto("/demo/chat/register", { waitUntil: "commit" });
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByLabel("Their name").fill("Anny");
  const create = page.getByRole("button", { name: "Create the chat" });
  assert.equal(await create.isDisabled(), true);
  const sent = sends(page);
  await page.getByLabel("Your name").press("Enter");
  await page.getByText(LATE).waitFor();
  assert.equal(sent.join(" "), "");
  come();
  await create.click();
  assert.match(await until("the link", () => page.locator("#link").inputValue()), /#v1\./);
});

claim("who does not get the scripts makes a plain chat by asking for one", async ({ person }) => {
  const { page } = await person();
  await unblocked(page);
  const come = await without(page, "every.js");
  await page.goto("/demo/chat/register", { waitUntil: "commit" });
  await page.getByRole("link", { name: "Create a chat that is not encrypted" }).click();
  await page.waitForURL("**/register?plain", { waitUntil: "commit" });
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByLabel("Their name").fill("Anny");
  await page.getByRole("button", { name: "Create the chat" }).click();
  await page.waitForURL("**/invite", { waitUntil: "commit" });
  come();
  assert.doesNotMatch(await until("the link", () => page.locator("#link").inputValue()), /#/);
});

for (const script of ["page.js", "vault.js", "making.js"]) {
  claim(`without ${script} no plain chat is made in the place of an encrypted one`, async ({ person }) => {
    const anny = await person();
    const { page } = anny;
    anny.expectOutage();
    let fail = () => {};
    const failing = new Promise((resolve) => (fail = () => resolve(undefined)));
    await page.route(`**/${script}`, async (route) => {
      await failing;
      await route.abort();
    });
    await page.goto("/demo/chat/register", { waitUntil: "commit" });
    await page.getByLabel("Your name").fill("Abhi");
    await page.getByLabel("Their name").fill("Anny");
    const sent = sends(page);
    await page.getByRole("button", { name: "Create the chat" }).click();
    fail();
    await page.getByText("A part of this page could not be loaded.").waitFor();
    await page.getByLabel("Their name").press("Enter");
    assert.equal(await page.getByRole("button", { name: "Create the chat" }).isVisible(), false);
    assert.equal(sent.join(" "), "");
  });
}

claim("the forms of an encrypted chat cannot be sent before its page has scripts, and can be from then on", async ({ person, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  await unblocked(page);
  let come = await without(page, "every.js");
  await page.goto(abhi.link, { waitUntil: "commit" });
  await page.getByLabel("Your name").fill("Anny");
  const enter = page.getByRole("button", { name: "Enter", exact: true });
  assert.equal(await enter.isDisabled(), true);
  await page.getByText(LATE).waitFor();
  come();
  await enter.click();
  await opened(page);
  const chat = page.url();
  for (const [address, button] of [[chat, "Send"], [`${chat}/logout`, "Log out"]]) {
    come = await without(page, "every.js");
    await page.goto(address, { waitUntil: "commit" });
    const sends = page.getByRole("button", { name: button, exact: true });
    await until(`${button} cannot be pressed`, () => sends.isDisabled());
    come();
    await until(`${button} can be pressed`, () => sends.isEnabled());
  }
});

claim("what only scripts can do is offered when they are there", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  await tell(abhi, "/demo/chat/register", { userOne: "Abhi", userTwo: "Anny" }).then(({ url }) => page.goto(`${new URL(url).pathname}/1/invite`));
  const copy = page.locator('[data-copy="link"]');
  await copy.waitFor();
  let come = await without(page, "page.js");
  await page.reload({ waitUntil: "commit" });
  await until("the way on", () => page.getByRole("link", { name: "Go to the chat" }).isVisible());
  // The style may come a moment after the words.
  await until("the copying is not offered", async () => !(await copy.isVisible()));
  come();
  await copy.waitFor();
  come = await without(page, "chat.js");
  await page.getByRole("link", { name: "Go to the chat" }).click();
  await page.waitForURL("**/1", { waitUntil: "commit" });
  await page.locator("#menu summary").click();
  const sound = page.getByRole("button", { name: "Sound" });
  await until("the sound is not offered", async () => !(await sound.isVisible()));
  come();
  await sound.click();
  await until("it is on", () => sound.getAttribute("aria-pressed"), (pressed) => pressed === "true");
});

for (const script of ["page.js", "vault.js"]) {
  claim(`a name that is entered before ${script} is there leads in when it is`, async ({ person, server }) => {
    const [{ page }, abhi] = [await person(), await Speaker.begin(server.origin)];
    const come = await without(page, script);
    await page.goto(abhi.link, { waitUntil: "commit" });
    await page.getByLabel("Your name").fill("Anny");
    const sent = sends(page);
    await page.getByRole("button", { name: "Enter", exact: true }).click();
    assert.equal(sent.join(" "), "");
    come();
    await opened(page);
    assert.equal(sent.filter((path) => path.endsWith("/login")).length, 1);
  });
}

claim("what is pressed at a link without its key is not sent, and the page says what is missing", async ({ person, server }) => {
  const [{ page }, abhi] = [await person(), await Speaker.begin(server.origin)];
  const come = await without(page, "vault.js");
  await page.goto(abhi.link.split("#")[0], { waitUntil: "commit" });
  await page.getByLabel("Your name").fill("Anny");
  const sent = sends(page);
  await page.getByLabel("Your name").press("Enter");
  come();
  await page.getByText("This link is incomplete: ask for the whole link, with what follows the #.").waitFor();
  assert.equal(sent.join(" "), "");
});

for (const script of ["vault.js", "making.js"]) {
  claim(`a chat that is asked for before ${script} is there is encrypted all the same`, async ({ person }) => {
    const { page } = await person();
    const come = await without(page, script);
    await page.goto("/", { waitUntil: "commit" });
    await page.waitForLoadState("domcontentloaded");
    await page.getByLabel("Your name").fill("Abhi");
    await page.getByLabel("Their name").fill("Anny");
    const sent = sends(page);
    await page.getByRole("button", { name: "Create the chat" }).click();
    assert.equal(sent.join(" "), "");
    come();
    assert.match(await until("the link", () => page.locator("#link").inputValue()), /#v1\./);
  });
}

claim("a message that is sent before the texts can be opened is sealed and sent when they can", async ({ person, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  await enter(anny, abhi.link);
  const come = await without(page, "vault.js");
  await page.reload({ waitUntil: "commit" });
  await page.waitForLoadState("domcontentloaded");
  await page.getByLabel("Message", { exact: true }).fill("Here already");
  await page.getByRole("button", { name: "Send" }).click();
  come();
  await message(page, "Here already").waitFor();
  await until("it is stored", async () => (await abhi.newest())?.message.startsWith("v1."));
  await untilIs("the field", () => page.getByLabel("Message", { exact: true }).inputValue(), "");
});

claim("a link that is copied or shared before its key is there is handed on whole", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  await page.addInitScript(() => {
    Object.assign(globalThis, { given: [] });
    const give = async (/** @type {unknown} */ what) => void (/** @type {any} */ (globalThis).given.push(what));
    Object.defineProperty(navigator, "clipboard", { value: { writeText: give } });
    Navigator.prototype.share = async (/** @type {ShareData | undefined} */ what) => give(what?.url);
  });
  const { link } = await register(abhi, { encrypted: true });
  const come = await without(page, "vault.js");
  await page.reload({ waitUntil: "commit" });
  const given = () => page.evaluate(() => /** @type {any} */ (globalThis).given);
  await page.locator('[data-copy="link"]').click();
  await page.locator('[data-share="link"]').click();
  assert.deepEqual(await given(), []);
  assert.equal(await page.locator("#link-status").textContent(), "");
  come();
  await untilIs("what is handed on", given, [link, link]);
});

claim("a log-out that is pressed before the page's scripts are whole takes the key as well", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  const { chat } = await begin(abhi);
  const come = await without(page, "making.js");
  await page.goto(`${chat}/logout`, { waitUntil: "commit" });
  await page.waitForLoadState("domcontentloaded");
  const sent = sends(page);
  await page.getByRole("button", { name: "Log out" }).click();
  assert.equal(sent.join(" "), "");
  come();
  await page.getByText("You are logged out").first().waitFor();
  await untilIs("what the browser keeps", () => page.evaluate(async () => (await indexedDB.databases()).length), 0);
});

claim("a link whose page did not get its scripts is whole when the page is loaded again", async ({ person, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  anny.expectOutage();
  await page.route("**/vault.js", (route) => route.abort());
  await page.goto(abhi.link);
  await page.getByText("A part of this page could not be loaded. Load the page again.").waitFor();
  await page.unroute("**/vault.js");
  await page.reload();
  await page.getByLabel("Your name").fill("Anny");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(page);
  assert.doesNotMatch(page.url(), /#/);
});

for (const script of ["chat.js", "vault.js"]) {
  claim(`an encrypted chat without ${script} says after a while that a part of it is on its way`, async ({ person }) => {
    const abhi = await person();
    const { page } = abhi;
    await begin(abhi);
    await say(page, "Hello");
    await untilTick(page, "Hello", "Sent");
    const come = await without(page, script);
    await page.reload({ waitUntil: "commit" });
    await page.getByText(LATE).waitFor();
    come();
    await message(page, "Hello").waitFor();
    await page.getByText(LATE).waitFor({ state: "hidden" });
  });
}

claim("a page is whole whose styles and scripts another instance had to be asked for", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  /** @type {string[]} */
  const sentOn = [];
  // As an instance of another build answers.
  await abhi.page.route("**/assets/**", async (route) => {
    const url = route.request().url();
    if (url.includes("?attempt=")) return route.continue();
    sentOn.push(url);
    await route.fulfill({ status: 307, headers: { location: `${url}?attempt=1`, "cache-control": "no-store" } });
  });
  const { link } = await begin(abhi);
  await enter(anny, link);
  await say(abhi.page, "Hello");
  await message(anny.page, "Hello").waitFor();
  assert.ok(sentOn.some((url) => url.endsWith("chat.css")) && sentOn.some((url) => url.endsWith("chat.js")), sentOn.join(" "));
});
