// Phones: every size from 320 × 568 to 430 × 932, upright and turned, with the keyboard up, and with corners that are not for words.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { meet, message, openMySide, pour, register, say } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** Width, height, and the height that a keyboard takes. */
const PHONES = [
  [320, 568, 253],
  [568, 320, 200],
  [360, 640, 270],
  [640, 360, 210],
  [390, 844, 336],
  [844, 390, 219],
  [430, 932, 346],
  [932, 430, 230],
];
const LINES = Array.from({ length: 30 }, (_, at) => `Line ${at + 1}`);

/** Where what is written stands, and the newest message above it. @param {Page} page */
const places = (page) =>
  page.evaluate(() => {
    const box = (/** @type {string} */ what) => /** @type {Element} */ (document.querySelector(what)).getBoundingClientRect();
    const [field, send, newest, history] = ["#message", ".send", "#messages > :last-child", "#history"].map(box);
    return { field, send, newest, history, scrolled: scrollY };
  });

/** @param {Page} page @param {number} height what is left of the window */
async function fits(page, height) {
  await until(
    `all is in sight within ${height} px`,
    () => places(page),
    ({ field, send, newest, history, scrolled }) =>
      scrolled === 0 &&
      field.bottom <= height &&
      send.bottom <= height &&
      field.top >= history.bottom - 1 &&
      newest.bottom <= history.bottom + 1 &&
      newest.bottom > history.top,
  );
}

for (const [width, height, keyboard] of PHONES) {
  claim(`the field and the newest message stay in sight over a keyboard at ${width} by ${height}`, async ({ person }) => {
    const phone = { viewport: { width, height }, hasTouch: true, isMobile: true };
    const [abhi, anny] = [await person(phone), await person()];
    const { one } = await meet(abhi, anny);
    await pour(abhi, one.chat, LINES);
    const { page } = abhi;
    await message(page, "Line 30").waitFor();
    await fits(page, height);
    await page.locator("#message").tap();

    // Android makes the page smaller.
    await page.setViewportSize({ width, height: height - keyboard });
    await fits(page, height - keyboard);
    await page.setViewportSize({ width, height });
    await fits(page, height);

    // iOS lays the keyboard over it, and says so by the visual viewport alone.
    const cover = (/** @type {number | undefined} */ seen) =>
      page.evaluate((seen) => {
        const viewport = /** @type {VisualViewport} */ (visualViewport);
        if (seen === undefined) delete (/** @type {any} */ (viewport).height);
        else Object.defineProperty(viewport, "height", { configurable: true, get: () => seen });
        viewport.dispatchEvent(new Event("resize"));
      }, seen);
    await cover(height - keyboard);
    await fits(page, height - keyboard);
    // It also moves what is seen of the page to where it takes the field to be.
    await page.evaluate(() => {
      document.documentElement.style.minBlockSize = "200vh";
      scrollTo(0, 90);
      visualViewport?.dispatchEvent(new Event("scroll"));
    });
    await fits(page, height - keyboard);
    await page.evaluate(() => (document.documentElement.style.minBlockSize = ""));
    // More strips than there can be.
    await page.evaluate(() => {
      const template = /** @type {HTMLTemplateElement} */ (document.getElementById("ask-other"));
      for (let at = 0; at < 4; at++) document.getElementById("asks")?.append(template.content.cloneNode(true));
    });
    await fits(page, height - keyboard);
    await page.evaluate(() => document.querySelectorAll("#asks form").forEach((form) => form.remove()));
    // As much as nobody can send, and the complaint about it.
    await page.locator("#message").fill("Too long ".repeat(2_000));
    await page.getByRole("button", { name: "Send" }).tap();
    await page.locator("#complaint").getByText("Too long by").waitFor();
    await fits(page, height - keyboard);
    await say(page, "Over the keyboard");
    await page.getByRole("button", { name: "Send" }).tap();
    await message(page, "Over the keyboard").waitFor();
    await fits(page, height - keyboard);
    await cover(undefined);
    await fits(page, height);
  });
}

claim("nothing to read or to press stands in a corner that a phone's screen has not", async ({ person }) => {
  const phone = { viewport: { width: 844, height: 390 }, hasTouch: true, isMobile: true };
  const [abhi, anny] = [await person(phone), await person()];
  await meet(abhi, anny);
  const insets = { top: 40, left: 59, right: 59, bottom: 34 };
  const wire = await abhi.context.newCDPSession(abhi.page);
  await wire.send("Emulation.setSafeAreaInsetsOverride", { insets: { ...insets } });
  await say(anny.page, "In the middle");
  await message(abhi.page, "In the middle").waitFor();
  await abhi.page.locator("#menu summary").tap();
  const parts = ["#avatar", "#peer", "#menu summary", "#menu .panel", "#messages .message .bubble", "#message", ".send"];
  const outside = () =>
    abhi.page.evaluate(
      ([parts, insets]) =>
        parts.filter((part) => {
          const { top, left, right, bottom } = /** @type {Element} */ (document.querySelector(part)).getBoundingClientRect();
          return top < insets.top || left < insets.left || right > innerWidth - insets.right || bottom > innerHeight - insets.bottom;
        }),
      /** @type {const} */ ([parts, insets]),
    );
  await until("everything keeps clear of them", outside, (found) => found.length === 0);
  await abhi.page.goto("/");
  const sheet = () =>
    abhi.page.evaluate(
      ({ left, right }) =>
        [...document.querySelectorAll("main :is(h1, p, input, button, summary), header a, footer button")]
          .filter((node) => node.checkVisibility() && !node.matches("[type=hidden], .choice input"))
          .filter((node) => node.getBoundingClientRect().left < left || node.getBoundingClientRect().right > innerWidth - right)
          .map((node) => node.outerHTML.slice(0, 90)),
      insets,
    );
  await untilIs("what stands in a corner of the start page", sheet, []);
});

claim("the return code is a line above the messages and no more, on the smallest screen", async ({ person }) => {
  const abhi = await person({ viewport: { width: 320, height: 568 } });
  await register(abhi);
  await openMySide(abhi);
  const strip = abhi.page.locator("form.keep");
  const { height } = (await strip.boundingBox()) ?? assert.fail("no return code");
  assert.ok(height < 70, `${height} px`);
  const code = strip.locator("input");
  await until("the code is shown whole", () => code.evaluate((/** @type {HTMLInputElement} */ input) => input.scrollWidth <= input.clientWidth));
});

claim("what was tapped does not look so for ever", async ({ person }) => {
  const abhi = await person({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = abhi;
  await register(abhi);
  const look = (/** @type {import("playwright-core").Locator} */ what) => what.evaluate((node) => getComputedStyle(node).backgroundColor);
  const copy = page.locator("[data-copy=link]");
  const before = await look(copy);
  await copy.tap();
  await until("it is tapped", () => copy.evaluate((node) => node.matches(":hover")));
  assert.equal(await look(copy), before);
});
