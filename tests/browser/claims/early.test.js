// Who presses before a page has its key: on a slow line its scripts come seconds after its forms.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { begin, enter, message, opened } from "../harness/flows.js";
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
