// A browser that keeps nothing, or nothing more; and what is lost with a tab.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { installClock } from "../harness/clock.js";
import { choose, endForBoth, inChat, meet, message, register, say, texts, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** In the page, ahead of its scripts: everything that keeps or shares is forbidden, as by a browser that blocks cookies. */
function forbidStorage() {
  const refuse = () => {
    throw new DOMException("Access is denied for this document.", "SecurityError");
  };
  for (const area of ["localStorage", "sessionStorage"]) Object.defineProperty(window, area, { get: refuse });
  Object.assign(window, { BroadcastChannel: refuse });
  const { locks } = navigator;
  locks.request = async () => refuse();
  locks.query = async () => refuse();
}

claim("a page that may keep nothing works all the same", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  for (const one of [abhi, anny]) one.expectStatus(410);
  await anny.context.addInitScript(forbidStorage);
  await meet(abhi, anny);
  await say(abhi.page, "Can you hear me?");
  await message(anny.page, "Can you hear me?").waitFor();
  await say(anny.page, "Yes");
  await untilTick(anny.page, "Yes", "Seen");
  await untilIs("the field", () => anny.page.getByLabel("Message", { exact: true }).inputValue(), "");
  await choose(anny.page, "Sound");
  await untilIs("the switch", () => anny.page.getByRole("button", { name: "Sound" }).getAttribute("aria-pressed"), "true");
  await anny.page.keyboard.press("Escape");
  await endForBoth(anny.page);
  await anny.page.getByRole("heading", { name: "The chat has ended" }).waitFor();
});

/** Fills both storages to the last byte. @param {Page} page */
const fillStorage = (page) =>
  page.evaluate(() => {
    for (const storage of [sessionStorage, localStorage]) {
      for (let length = 2 ** 20, number = 0; length >= 1; ) {
        try {
          storage.setItem(`filler ${number++}`, "x".repeat(length));
        } catch {
          length = Math.floor(length / 2);
        }
      }
    }
  });

claim("with a full storage what one writes is shown and sent", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await fillStorage(anny.page);
  await say(anny.page, "There is no room for this");
  await untilTick(anny.page, "There is no room for this", "Seen");
  await untilIs("the field", () => anny.page.getByLabel("Message", { exact: true }).inputValue(), "");
  await untilIs("the texts", () => texts(abhi.page), ["There is no room for this"]);
});

claim("with a full storage and no network what one writes stands on the page and is sent later", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectOutage();
  await meet(abhi, anny);
  await fillStorage(anny.page);
  await anny.context.setOffline(true);
  for (const words of ["One", "Two"]) await say(anny.page, words);
  await untilIs("the texts", () => texts(anny.page), ["One", "Two"]);
  await anny.context.setOffline(false);
  await message(abhi.page, "Two").waitFor();
  await untilIs("the texts", () => texts(abhi.page), ["One", "Two"]);
});

claim("a part of the page that fails stops no other", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await anny.context.addInitScript(() => {
    // A browser without this, and with one that breaks.
    Reflect.deleteProperty(window, "IntersectionObserver");
    Notification.requestPermission = () => {
      throw new Error("broken");
    };
  });
  await meet(abhi, anny);
  assert.ok(anny.problems.splice(0).every((problem) => problem.includes("IntersectionObserver")));
  await say(anny.page, "Can you hear me?");
  await message(abhi.page, "Can you hear me?").waitFor();
  await say(abhi.page, "Yes");
  await message(anny.page, "Yes").waitFor();
});

claim("a tab is not closed over words that are not sent without a question", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = anny;
  let send = () => {};
  const held = new Promise((resolve) => (send = () => resolve(undefined)));
  await page.route("**/message_send", async (route) => {
    await held;
    await route.continue();
  });
  await say(page, "Not yet");
  await untilTick(page, "Not yet", "Sending");
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  assert.equal(dialog.type(), "beforeunload");
  await dialog.dismiss();
  send();
  await untilTick(page, "Not yet", "Seen");
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
});

claim("another language in the middle of a send asks nothing, and sends once", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectOutage();
  await meet(abhi, anny);
  const { page } = anny;
  let questions = 0;
  page.on("dialog", (dialog) => (questions++, void dialog.accept()));
  let held = true;
  await page.route("**/message_send", (route) => (held ? undefined : route.continue()));
  await say(page, "In between");
  await untilTick(page, "In between", "Sending");
  held = false;
  await page.locator("#menu summary").click();
  await page.getByRole("button", { name: "العربية" }).click();
  await page.locator("html[lang=ar]").waitFor({ state: "attached" });
  await message(abhi.page, "In between").waitFor();
  await until("it is stored", () => page.locator("#messages .message").first().getAttribute("data-seq"));
  await untilIs("the texts", () => texts(page), ["In between"]);
  await untilIs("the texts", () => texts(abhi.page), ["In between"]);
  assert.equal(questions, 0);
});

claim("a clock that is wrong by a day changes nothing of what is said and when the chat ends", async ({ person }) => {
  for (const hours of [-26, 26]) {
    const [abhi, anny] = [await person(), await person()];
    await installClock(anny.page, { time: Date.now() + hours * 3_600_000 });
    const { link } = await register(abhi, { lifetime: "1 hour" });
    await anny.page.goto(link);
    await anny.page.getByLabel("Your name").fill("Anny");
    await anny.page.getByRole("button", { name: "Enter", exact: true }).click();
    await inChat(anny.page);
    await abhi.page.getByRole("link", { name: "Go to the chat" }).click();
    await inChat(abhi.page);
    await say(anny.page, "What time is it?");
    await message(abhi.page, "What time is it?").waitFor();
    await say(abhi.page, "Now");
    await message(anny.page, "Now").waitFor();
    await untilIs("the texts", () => texts(anny.page), ["What time is it?", "Now"]);
    const strips = () => anny.page.locator("#notices p").filter({ hasText: "This chat is deleted" }).allTextContents();
    assert.deepEqual(await strips(), []);
    await anny.page.clock.fastForward("50:30");
    await until("the first word", strips, (words) => words.length === 1);
  }
});
