// From the first page to the end of a chat without a mouse, in both languages.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choose, join, message, openMySide, pour, register } from "../harness/flows.js";
import { locales, people } from "../harness/samples.js";
import { until, untilIs } from "../harness/until.js";

share();

/** More stations than any page has. */
const TABS_MAX = 60;

/** Tabs until the focus is there, and sees to it that it can be seen on its way. @param {import("playwright-core").Page} page @param {string} selector */
async function tabTo(page, selector, key = "Tab") {
  for (let pressed = 0; pressed < TABS_MAX; pressed++) {
    await page.keyboard.press(key);
    const [there, what, shown] = await page.evaluate((selector) => {
      const node = /** @type {HTMLElement} */ (document.activeElement);
      const style = getComputedStyle(node.matches("[type=radio]") ? node.nextElementSibling ?? node : node);
      const box = node.getBoundingClientRect();
      const shown = node === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0);
      return [node.matches(selector), node.outerHTML.slice(0, 120), shown];
    }, selector);
    assert.ok(shown, `the focus cannot be seen on ${what}`);
    if (there) return;
  }
  assert.fail(`no way to ${selector}`);
}

for (const language of /** @type {const} */ (["en", "ar"])) {
  claim(`everything can be done with the keyboard: ${locales[language]}`, async ({ person }) => {
    const [abhi, anny] = [await person({ locale: locales[language] }), await person({ locale: locales[language] })];
    // The last request of a page that leaves is answered with 410, which takes its cookies back.
    for (const one of [abhi, anny]) one.expectStatus(410);
    const { page } = abhi;
    const { you, peer } = people[language];
    const type = async (/** @type {string} */ words) => page.keyboard.insertText(words);
    await page.goto("/");
    await page.locator("#register [data-sealed]").waitFor();
    await tabTo(page, "#user-one");
    await type(you);
    await tabTo(page, "#user-two");
    await type(peer);
    await tabTo(page, "[name=ttlHours]");
    await page.keyboard.press("ArrowDown");
    await tabTo(page, "form.card button.primary");
    await page.keyboard.press("Enter");
    const link = await until("the whole link", () => page.locator("#link").inputValue(), (link) => link.includes("#v1."));
    await tabTo(page, `a.primary[href$="/1"]`);
    await page.keyboard.press("Enter");
    await page.locator("#history").waitFor();

    await anny.page.goto(link);
    await anny.page.locator("#user").fill(peer);
    await anny.page.keyboard.press("Enter");
    await anny.page.locator("#history").waitFor();

    // The first station leads to the composer.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await untilIs("the focus", () => page.evaluate(() => document.activeElement?.id), "message");
    await page.keyboard.type("By hand");
    await page.keyboard.press("Enter");
    await anny.page.locator("#messages .text", { hasText: "By hand" }).waitFor();

    await tabTo(page, "#menu summary", "Shift+Tab");
    await page.keyboard.press("Enter");
    await tabTo(page, "[data-dialog=end-dialog]");
    await page.keyboard.press("Escape");
    await untilIs("the menu", () => page.locator("#menu .panel").isVisible(), false);
    await untilIs("the focus", () => page.evaluate(() => document.activeElement?.tagName), "SUMMARY");
    await page.keyboard.press("Enter");
    await tabTo(page, "[data-dialog=end-dialog]");
    await page.keyboard.press("Enter");
    const dialog = page.locator("#end-dialog[open]");
    await dialog.waitFor();
    await untilIs("the focus", () => page.evaluate(() => document.activeElement?.hasAttribute("data-close")), true);
    await tabTo(page, "#end-dialog .danger");
    await page.keyboard.press("Enter");
    for (const one of [page, anny.page]) {
      await one.waitForURL("**/register?ended");
      await one.locator(".notice").waitFor();
      await untilIs("the direction", () => one.locator("html").getAttribute("dir"), language === "ar" ? "rtl" : "ltr");
    }
  });
}

claim("a control that goes while it has the focus leaves it to the messages", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  abhi.expectOutage();
  const inMessages = () => untilIs("the focus", () => page.evaluate(() => document.activeElement?.id), "history");
  const { link } = await register(abhi);
  await openMySide(abhi);
  await page.locator("#nobody").getByRole("button", { name: "Copy" }).focus();
  const { chat } = await join(anny, link);
  await inMessages();

  await choose(page, "Notifications");
  const close = page.locator("#notices").getByRole("button", { name: "Close" });
  await close.press("Enter");
  await inMessages();

  await pour(anny, chat, Array.from({ length: 60 }, (_, index) => `line ${index}.`));
  await message(page, "line 59.").waitFor();
  await page.locator("#history").hover();
  await page.mouse.wheel(0, -600);
  await page.getByRole("button", { name: "To the newest message" }).press("Enter");
  await inMessages();

  await page.getByLabel("Message", { exact: true }).focus();
  await abhi.context.setOffline(true);
  const retry = page.locator("#connection").getByRole("button", { name: "Try now" });
  await retry.waitFor();
  await retry.focus();
  await abhi.context.setOffline(false);
  await retry.waitFor({ state: "hidden" });
  await inMessages();
});
