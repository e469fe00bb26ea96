// A network that is away, or takes what is sent and answers nothing, as half a Wi-Fi does: whatever was pressed, one stays where one is, is told,
// and tries again.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { hurry } from "../harness/clock.js";
import { begin, choose, choosePlain, downloaded, endForBoth, inChat, meet, message, openMySide, register, say, saveCode, untilTick } from "../harness/flows.js";
import { until } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Route} Route */
/** @typedef {import("../harness/person.js").Person} Person */

const WORDS = "This did not get through. Check your connection, then try again.";

/** Answers what asks for an address, until that is called which this answers with. @param {Page} page @param {string | RegExp} address @param {(route: Route) => unknown} how */
async function answer(page, address, how) {
  let isMended = false;
  await page.route(address, (route) => (isMended ? route.continue() : how(route)));
  return async () => void (isMended = true);
}

/** @param {Route} route */
const badGateway = (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" });

/** The ways in which nothing comes back. @type {[string, (page: Page, address: string | RegExp) => Promise<() => Promise<void>>][]} */
const WAYS = [
  ["away", async (page) => {
    await page.context().setOffline(true);
    return () => page.context().setOffline(false);
  }],
  ["half dead", async (page, address) => {
    const [mend, takeTime] = [await answer(page, address, () => {}), await hurry(page)];
    return async () => {
      await takeTime();
      await mend();
    };
  }],
  ["another one's", (page, address) => answer(page, address, badGateway)],
];

/** Somebody whose network is about to fail. @param {() => Promise<Person>} person */
async function unlucky(person) {
  const abhi = await person();
  abhi.expectOutage();
  abhi.expectStatus(502);
  return abhi;
}

claim("what leads away from a chat waits for the network, and the messages stay in sight", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  abhi.expectOutage();
  await meet(abhi, anny);
  await say(anny.page, "Before");
  await message(page, "Before").waitFor();
  await page.context().setOffline(true);
  const banner = page.locator("#connection");
  for (const entry of ["Where you are logged in", "New return code", "العربية"]) {
    await choose(page, entry);
    await banner.getByText("You are offline. What you write is kept and sent when you are back.").waitFor();
    await page.keyboard.press("Escape");
  }
  await message(page, "Before").waitFor();
  await page.context().setOffline(false);
  await banner.waitFor({ state: "hidden" });
  await choose(page, "Where you are logged in");
  await page.getByRole("heading", { name: "Where you are logged in" }).waitFor();
});

for (const encrypted of [false, true]) {
  claim(`a guest of ${encrypted ? "an encrypted" : "a plain"} chat keeps the name that was typed without a network and without a server`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    const { page } = anny;
    anny.expectOutage();
    anny.expectStatus(502);
    const { link } = await register(abhi, { encrypted });
    await page.goto(link);
    await page.waitForLoadState("networkidle");
    await page.getByLabel("Your name").fill("Anny");
    const enter = page.getByRole("button", { name: "Enter", exact: true });
    await page.context().setOffline(true);
    await enter.click();
    await page.getByText(WORDS).waitFor();
    assert.equal(await page.getByLabel("Your name").inputValue(), "Anny");
    await page.context().setOffline(false);
    const mend = await answer(page, "**/login", badGateway);
    await enter.click();
    await page.getByRole("heading", { name: "Bad gateway" }).waitFor();
    await mend();
    await page.goBack();
    await until("the name is there", () => page.getByLabel("Your name").inputValue(), (name) => name === "Anny");
    await enter.click();
    await inChat(page);
    // It is kept for the page that follows, and no longer.
    await until("nothing is kept", () => page.evaluate(() => sessionStorage.getItem("duet:typed") === null));
  });
}

for (const [network, fail] of WAYS) {
  claim(`a plain chat that is asked for while the network is ${network} leaves what was typed`, async ({ person }) => {
    const abhi = await unlucky(person);
    const { page } = abhi;
    await page.goto("/");
    await choosePlain(page);
    await page.getByLabel("Your name").fill("Abhi");
    const mend = await fail(page, /\/demo\/chat\/(?!assets)/);
    const create = page.getByRole("button", { name: "Create the chat" });
    await create.click();
    await page.getByText("The server did not answer, and no chat was made.").waitFor();
    assert.equal(await page.getByLabel("Your name").inputValue(), "Abhi");
    await mend();
    await create.click();
    await page.getByRole("heading", { name: "Invite" }).waitFor();
  });

  for (const [what, leaf, press, words] of /** @type {[string, string, (page: Page) => Promise<unknown>, string][]} */ ([
    ["the end", "endchat", endForBoth, "The chat has ended"],
    ["the log-out", "logout", async (page) => {
      await choose(page, "Log out");
      await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
    }, "You are logged out"],
  ])) {
    claim(`${what} of a chat stays on its page while the network is ${network}, and goes through when it is back`, async ({ person }) => {
      const [abhi, anny] = [await person(), await person()];
      const { page } = abhi;
      abhi.expectOutage();
      for (const one of [abhi, anny]) one.expectStatus(401, 410, 502);
      await meet(abhi, anny);
      await say(page, "Before");
      await untilTick(page, "Before", "Seen");
      await page.getByLabel("Message", { exact: true }).fill("A draft");
      const mend = await fail(page, `**/${leaf}`);
      await press(page);
      const dialog = page.getByRole("dialog");
      if (network === "half dead") await dialog.locator("form[aria-busy=true]").waitFor();
      await dialog.getByText(WORDS).waitFor();
      assert.equal(await dialog.locator("[aria-busy]").count(), 0);
      assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "A draft");
      await message(page, "Before").waitFor();
      await mend();
      await dialog.locator("form button").click();
      await page.getByRole("heading", { name: words }).waitFor();
    });
  }

  claim(`the page of an encrypted chat's log-out stays while the network is ${network}, with its key`, async ({ person }) => {
    const abhi = await person();
    const { page } = abhi;
    abhi.expectOutage();
    abhi.expectStatus(401, 502);
    const { chat } = await begin(abhi);
    await page.goto(`${chat}/logout`);
    await page.waitForLoadState("networkidle");
    const mend = await fail(page, "**/logout");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText(WORDS).waitFor();
    assert.ok(await page.evaluate(async () => (await indexedDB.databases()).length));
    await mend();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "You are logged out" }).waitFor();
  });

  claim(`that the return code is saved can be said again after the network was ${network}`, async ({ person }) => {
    const abhi = await unlucky(person);
    const { page } = abhi;
    await register(abhi);
    await openMySide(abhi);
    const mend = await fail(page, "**/return_code/saved");
    await page.getByRole("button", { name: "Saved" }).click();
    await page.locator(".keep").getByText(WORDS).waitFor();
    await mend();
    await saveCode(page);
    await page.reload();
    await inChat(page);
    assert.equal(await page.getByRole("button", { name: "Saved" }).count(), 0);
  });

  claim(`a new encrypted chat is not lost over a network that is ${network}`, async ({ person }) => {
    const abhi = await unlucky(person);
    const { page } = abhi;
    await page.goto("/");
    await page.getByText("Only the two of you can read this.").waitFor();
    await page.getByLabel("Your name").fill("Abhi");
    await page.getByLabel("Their name").fill("Anny");
    const mend = await fail(page, "**/register/hash");
    const create = page.getByRole("button", { name: "Create the chat" });
    await create.click();
    if (network === "half dead") await page.locator("#register[aria-busy=true]").waitFor();
    await page.getByText("The server did not answer, and no chat was made.").waitFor();
    assert.equal(await page.getByLabel("Your name").inputValue(), "Abhi");
    await mend();
    await create.click();
    assert.match(await until("the link", () => page.locator("#link").inputValue()), /#v1\./);
  });

  claim(`the file of an encrypted chat can be asked for again after the network was ${network}`, async ({ person }) => {
    const abhi = await unlucky(person);
    const { page } = abhi;
    await begin(abhi);
    await say(page, "Keep this");
    await untilTick(page, "Keep this", "Sent");
    const ask = async () => {
      await choose(page, "Download…");
      await page.getByRole("link", { name: "Download as text" }).click();
    };
    // Its script is there: what is away is the conversation.
    await downloaded(page, ask);
    const mend = await fail(page, "**/messages?after=0&*");
    await ask();
    await page.getByText("The download failed.").waitFor();
    await mend();
    assert.match(await downloaded(page, ask), /Keep this/);
  });
}
