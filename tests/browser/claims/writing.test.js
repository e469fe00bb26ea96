// Where what is typed, pasted or dropped goes.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, say, texts } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const field = (page) => page.getByLabel("Message", { exact: true });
/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.id);

/** What a screen reader says of the field besides its name. @param {Page} page */
const description = (page) => page.evaluate(() => document.getElementById(document.getElementById("message")?.getAttribute("aria-describedby") ?? "")?.textContent ?? "");

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

claim("with a mouse the field has the focus at once, and takes what is typed anywhere", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  await untilIs("the focus", () => focused(page), "message");
  await untilIs("what is said of Enter", () => description(page), "Enter sends, Shift and Enter together make a new line.");
  for (const place of ["#history", "#menu summary", "header h1"]) {
    await page.locator(place).evaluate((node) => /** @type {HTMLElement} */ (node).focus());
    if (place === "header h1") await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
    await page.keyboard.type("ab");
    await untilIs(`what was typed at ${place}`, () => field(page).inputValue(), "ab");
    await field(page).fill("");
  }
  // A shortcut is none, and neither is what is pressed in an open menu.
  await page.locator("#history").focus();
  await page.keyboard.press("Control+b");
  await page.locator("#menu summary").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("x");
  await untilIs("the field", () => field(page).inputValue(), "");
});

claim("on a phone the keyboard stays down, Enter breaks the line and the button sends", async ({ person }) => {
  const [abhi, anny] = [await person(PHONE), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  assert.notEqual(await focused(page), "message");
  // A phone says by itself that its key breaks the line.
  await untilIs("the key", () => field(page).getAttribute("enterkeyhint"), null);
  await untilIs("what is said of Enter", () => description(page), "");
  await field(page).tap();
  await page.keyboard.type("one");
  await page.keyboard.press("Enter");
  await page.keyboard.type("two");
  await untilIs("the field", () => field(page).inputValue(), "one\ntwo");
  assert.deepEqual(await texts(page), []);
  await page.getByRole("button", { name: "Send" }).tap();
  await untilIs("what arrived", () => texts(anny.page), ["one\ntwo"]);
});

claim("near the limit the field says how much is left, and beyond it how much is too much", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  const counter = page.locator("#counter");
  for (const length of [5_300, 15_000]) {
    await field(page).fill("x".repeat(length));
    assert.equal(await counter.isVisible(), false, `with ${length}`);
  }
  await field(page).fill("x".repeat(16_300));
  await untilIs("the counter", () => counter.textContent(), "84 characters left");
  await field(page).fill("ü".repeat(8_192));
  await untilIs("the counter", () => counter.textContent(), "0 characters left");
  await field(page).fill("x".repeat(16 * 1024 + 3_812));
  await untilIs("the counter", () => counter.textContent(), "Too long by 3,812 characters.");
  await page.keyboard.press("Enter");
  await page.locator("#complaint").getByText("Too long by 3,812 characters.").waitFor();
  await untilIs("the length of the text", async () => (await field(page).inputValue()).length, 16 * 1024 + 3_812);
  await say(page, "short");
  await untilIs("the counter", () => counter.isVisible(), false);
});

claim("what shows nothing is not sent", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  for (const blank of ["\u200b", "\u3164", "\u2800\u2800", "\u202e\ufeff", "\ufffc"]) await say(abhi.page, blank);
  await say(abhi.page, "seen");
  await untilIs("what arrived", () => texts(anny.page), ["seen"]);
  await untilIs("the texts", () => texts(abhi.page), ["seen"]);
});

claim("a pasted picture, a dropped file and a paste far too long are answered in words", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  const complaint = page.locator("#complaint");
  const give = (/** @type {"paste" | "drop"} */ how, /** @type {string} */ words) =>
    page.evaluate(
      ([how, words]) => {
        const data = new DataTransfer();
        if (words) data.setData("text/plain", words);
        else data.items.add(new File(["x"], "cat.png", { type: "image/png" }));
        const init = { bubbles: true, cancelable: true };
        const event = how === "paste" ? new ClipboardEvent("paste", { ...init, clipboardData: data }) : new DragEvent("drop", { ...init, dataTransfer: data });
        const target = how === "paste" ? document.getElementById("message") : document.getElementById("history");
        return target?.dispatchEvent(event);
      },
      [how, words],
    );
  assert.equal(await give("paste", ""), false, "the browser takes the picture");
  await complaint.getByText("Pictures and files cannot be sent yet.").waitFor();
  await page.keyboard.type("x");
  await untilIs("the complaint", () => complaint.isVisible(), false);
  assert.equal(await give("drop", ""), false, "the browser opens the file");
  await complaint.getByText("Pictures and files cannot be sent yet.").waitFor();
  assert.equal(await give("paste", "x".repeat(1024 * 1024)), false, "a megabyte is laid out");
  await complaint.getByText("Too long by 1,032,192 characters.").waitFor();
  await untilIs("the field", () => field(page).inputValue(), "x");
  assert.equal(await give("paste", "words"), true, "words are pasted by the browser");
});

claim("Escape closes the menu from anywhere, arrows move in it, and what is chosen closes it", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  const open = () => page.locator("#menu").evaluate((menu) => /** @type {HTMLDetailsElement} */ (menu).open);
  const at = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  const summary = page.locator("#menu summary");
  await summary.click();
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.keyboard.press("Escape");
  await untilIs("the menu", open, false);
  await untilIs("whether the menu has the focus", () => summary.evaluate((node) => node === document.activeElement), true);

  await page.keyboard.press("ArrowDown");
  await untilIs("the first entry", at, "Notifications");
  await page.keyboard.press("ArrowDown");
  await untilIs("the second", at, "Sound");
  await page.keyboard.press("End");
  await untilIs("the last", at, "End the chat");
  await page.keyboard.press("ArrowDown");
  await untilIs("the first again", at, "Notifications");
  await page.keyboard.press("ArrowUp");
  await untilIs("the last again", at, "End the chat");
  await page.keyboard.press("Home");
  await untilIs("the first once more", at, "Notifications");
  await page.keyboard.press("Escape");

  await summary.click();
  await page.getByText("Download…", { exact: true }).click();
  await untilIs("the menu", open, false);
  const dialog = page.getByRole("dialog");
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("link", { name: "Download as text" }).click()]);
  assert.equal(file.suggestedFilename(), "duet.txt");
  await until("the dialog is closed", async () => !(await dialog.isVisible()));
  await inChat(page);
});

claim("numbers are told in the forms of the page's own language when the browser has translated the page", async ({ person }) => {
  const abhi = await person();
  await meet(abhi, await person());
  const { page } = abhi;
  // Japanese has one form for all numbers.
  await page.evaluate(() => (document.documentElement.lang = "ja"));
  await page.getByLabel("Message", { exact: true }).fill("a".repeat(16_385));
  await untilIs("the counter", () => page.locator("#counter").textContent(), "Too long by 1 character.");
});
