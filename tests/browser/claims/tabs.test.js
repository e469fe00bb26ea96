// Several tabs of one seat are one: one stream, one conversation, one mark of what was read.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, say, tell, texts, untilTick } from "../harness/flows.js";
import { freeze, setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */

/** The tabs that have asked for a stream, in order. @param {import("../harness/person.js").Person} person */
function streams({ context }) {
  /** @type {Page[]} */
  const asked = [];
  context.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/stream")) asked.push(request.frame().page());
  });
  return asked;
}

claim("the tabs of a seat share one stream, and another takes over when its tab is closed", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const asked = streams(anny);
  const { two } = await meet(abhi, anny);
  await until("the first tab has its stream", () => asked.length === 1);
  const [second, third] = [await anny.tab(two.chat), await anny.tab(two.chat)];
  await say(abhi.page, "To all of you");
  for (const page of [anny.page, second, third]) await message(page, "To all of you").waitFor();
  assert.deepEqual(asked.map((page) => page === anny.page), [true], "more than one tab has a stream");

  await anny.page.close();
  await until("another tab has taken over", () => asked.length === 2);
  await say(abhi.page, "Still there?");
  for (const page of [second, third]) await message(page, "Still there?").waitFor();
  await say(third, "Yes");
  await message(second, "Yes").waitFor();
  await message(abhi.page, "Yes").waitFor();
  assert.equal(asked.length, 2);
});

claim("what one tab sends or reads, the other shows", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await setHidden(anny.page, true);
  await setHidden(second, true);
  await say(abhi.page, "Read me somewhere");
  for (const page of [anny.page, second]) await untilIs("the title", () => page.title(), "(1) Abhi · duet");
  await setHidden(second, false);
  for (const page of [anny.page, second]) await untilIs("the title", () => page.title(), "Abhi · duet");
  await untilTick(abhi.page, "Read me somewhere", "Seen");

  await say(second, "Sent in the second tab");
  await untilTick(second, "Sent in the second tab", "Seen");
  await untilTick(anny.page, "Sent in the second tab", "Seen");
  for (const page of [anny.page, second]) await untilIs("the texts", () => texts(page), ["Read me somewhere", "Sent in the second tab"]);
});

claim("both tabs know when the connection is gone and when it is back", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectOutage();
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await anny.context.setOffline(true);
  for (const page of [anny.page, second]) await page.locator("#connection").getByText("You are offline.").waitFor();
  await say(second, "Kept for later");
  await anny.context.setOffline(false);
  await message(abhi.page, "Kept for later").waitFor();
  await message(anny.page, "Kept for later").waitFor();
  for (const page of [anny.page, second]) {
    await untilIs("the banner", () => page.locator("#connection").isVisible(), false);
    await untilIs("the texts", () => texts(page), ["Kept for later"]);
  }
});

claim("a tab that is told that it will freeze leaves the stream to another, and hears everything when it is thawed", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const asked = streams(anny);
  const { two } = await meet(abhi, anny);
  await until("the first tab has its stream", () => asked.length === 1);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await anny.page.evaluate(() => void document.dispatchEvent(new Event("freeze")));
  const thaw = await freeze(anny, anny.page);
  await until("the second tab has a stream", () => asked.includes(second));
  await say(abhi.page, "While one sleeps");
  await message(second, "While one sleeps").waitFor();
  await thaw();
  await anny.page.evaluate(() => void document.dispatchEvent(new Event("resume")));
  await message(anny.page, "While one sleeps").waitFor();
  await say(anny.page, "Awake");
  for (const page of [abhi.page, second]) await message(page, "Awake").waitFor();
});

claim("a tab that freezes without a word is no reason for the others to stop", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const asked = streams(anny);
  const { two } = await meet(abhi, anny);
  await until("the first tab has its stream", () => asked.length === 1);
  const second = await anny.tab(two.chat);
  await inChat(second);
  const thaw = await freeze(anny, anny.page);
  await until("the second tab has a stream", () => asked.includes(second));
  await say(abhi.page, "Still there?");
  await message(second, "Still there?").waitFor();
  await thaw();
  await message(anny.page, "Still there?").waitFor();
  await say(anny.page, "Yes");
  for (const page of [abhi.page, second]) await message(page, "Yes").waitFor();
});

for (const why of ["AbortError", "InvalidStateError"]) {
  claim(`a page that is refused the lead with ${why} stays at hand`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    await anny.context.addInitScript((why) => {
      const request = LockManager.prototype.request;
      LockManager.prototype.request = async function (/** @type {any[]} */ ...of) {
        if (!("relent" in window)) throw new DOMException("as a page hears that is being left", why);
        return Reflect.apply(request, this, of);
      };
    }, why);
    await meet(abhi, anny);
    await anny.page.evaluate(() => void Object.assign(window, { relent: true }));
    await say(abhi.page, "Hello");
    await message(anny.page, "Hello").waitFor();
  });
}

claim("the leading tab may be closed in the middle of a send", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const asked = streams(anny);
  const { two } = await meet(abhi, anny);
  await until("the first tab has its stream", () => asked.length === 1);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await say(anny.page, "My last words");
  await anny.page.close();
  await until("the second tab has a stream", () => asked.includes(second));
  await say(second, "Not quite");
  for (const page of [abhi.page, second]) {
    await message(page, "Not quite").waitFor();
    await message(page, "My last words").waitFor();
  }
  await untilIs("the texts", async () => (await texts(abhi.page)).sort(), ["My last words", "Not quite"]);
});

claim("logged out on another device, both tabs say so; logged in again in one, both go on", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(401, 409);
  const { link, two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  const { sessions } = await tell(anny, `${two.chat}/sessions`);
  await tell(anny, `${two.chat}/sessions/end`, { id: sessions[0].id });
  const out = (/** @type {Page} */ page) => page.locator("#connection").getByText("You are not logged in here any more.");
  for (const page of [anny.page, second]) await out(page).waitFor();
  await say(second, "Kept until I am back");
  await untilTick(second, "Kept until I am back", "Sending");

  const field = anny.page.getByLabel("Return code");
  await anny.page.locator("#connection").getByRole("link").click();
  await anny.page.getByLabel("Your name").fill("Anny");
  await anny.page.getByRole("button", { name: "Enter", exact: true }).click();
  await field.fill(two.code);
  await anny.page.getByRole("button", { name: "Enter with the code" }).click();
  await inChat(anny.page);
  assert.ok(link);
  await untilTick(second, "Kept until I am back", "Seen");
  await untilIs("the banner", () => second.locator("#connection").isVisible(), false);
  await say(abhi.page, "Welcome back");
  for (const page of [anny.page, second]) await message(page, "Welcome back").waitFor();
  await say(second, "Thank you");
  for (const page of [anny.page, abhi.page]) await message(page, "Thank you").waitFor();
});

claim("logged out with a message waiting, one press leads to the log-in without a question, and the message is sent", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(401, 409);
  const { two } = await meet(abhi, anny);
  const { page } = anny;
  let questions = 0;
  page.on("dialog", (dialog) => (questions++, void dialog.accept()));
  const { sessions } = await tell(anny, `${two.chat}/sessions`);
  await tell(anny, `${two.chat}/sessions/end`, { id: sessions[0].id });
  await page.getByText("You are not logged in here any more.").waitFor();
  await say(page, "Kept for you");
  await untilTick(page, "Kept for you", "Sending");
  await page.locator("#connection").getByRole("link").click();
  await page.getByLabel("Your name").fill("Anny");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await page.getByLabel("Return code").fill(two.code);
  await page.getByRole("button", { name: "Enter with the code" }).click();
  await untilTick(page, "Kept for you", "Seen");
  await untilIs("the texts", () => texts(abhi.page), ["Kept for you"]);
  assert.equal(questions, 0);
});

for (const locks of [true, false]) {
  claim(`what failed in a tab that is duplicated belongs to that tab alone, and to the other when it is gone${locks ? "" : ", without locks as well"}`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    // As on a plain address of a local network. There a tab asks the other one, and waits half a second for it, which a busy machine needs.
    if (!locks) {
      await anny.context.addInitScript(() => {
        Reflect.deleteProperty(Navigator.prototype, "locks");
        const set = /** @type {any} */ (setTimeout);
        Object.assign(globalThis, { setTimeout: (/** @type {any} */ run, ms = 0) => set(run, ms === 500 ? 10_000 : ms) });
      });
    }
    anny.expectStatus(409);
    await meet(abhi, anny);
    const refuse = (/** @type {Page} */ page) =>
      page.route("**/message_send", (route) =>
        route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "conflict", message: "Something else came first." } } }),
      );
    await refuse(anny.page);
    for (const words of ["To be deleted", "To be kept"]) {
      await say(anny.page, words);
      await untilTick(anny.page, words, "Not sent");
    }
    // As the browser's own command does it: the new tab begins with a copy of the storage.
    const [second] = await Promise.all([
      anny.context.waitForEvent("page"),
      anny.page.evaluate(() => void window.open(location.href)),
    ]);
    await inChat(second);
    await say(second, "From the second tab");
    await untilTick(second, "From the second tab", "Seen");
    await untilIs("the texts", () => texts(second), ["From the second tab"]);
    await message(anny.page, "To be deleted").getByRole("button", { name: "Delete" }).click();
    await untilIs("what is left", () => texts(anny.page), ["From the second tab", "To be kept"]);
    await anny.page.close();
    await untilTick(second, "To be kept", "Not sent");
    await untilIs("the texts", () => texts(second), ["From the second tab", "To be kept"]);
    await message(second, "To be kept").getByRole("button", { name: "Retry" }).click();
    await message(abhi.page, "To be kept").waitFor();
  });
}
