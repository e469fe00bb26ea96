// A long conversation: older messages, and arriving ones while somebody reads further up.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, join, meet, message, openMySide, pour, register, say, texts } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

const lines = (/** @type {number} */ count) => Array.from({ length: count }, (_, index) => `line ${index + 1}.`);

/** Where a message stands on the screen. @param {Page} page @param {string} text */
const top = (page, text) => message(page, text).evaluate((node) => Math.round(node.getBoundingClientRect().top));

/** Scrolls like a wheel does. @param {Page} page @param {number} by pixels, negative is up */
async function wheel(page, by) {
  await page.locator("#history").hover();
  await page.mouse.wheel(0, by);
}

/** Distance to the newest message, in pixels. @param {Page} page */
const fromEnd = (page) => page.locator("#history").evaluate((node) => Math.abs(Math.round(node.scrollTop)));

claim("the page opens at the newest message, and older ones load as one scrolls up", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await pour(abhi, one.chat, lines(230));
  await until("all have arrived", async () => (await texts(anny.page)).at(-1) === "line 230.");
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await until("the newest is in sight", () => message(anny.page, "line 230.").isVisible());
  assert.ok((await texts(anny.page)).length < 230);
  await until("the oldest is there", async () => {
    await wheel(anny.page, -2000);
    return (await texts(anny.page))[0] === "line 1.";
  });
  await untilIs("the texts", () => texts(anny.page), lines(230));
  await untilIs("the link to older ones", () => anny.page.locator("#older").count(), 0);
  await untilIs("the headings", () => anny.page.locator("#messages .day").count(), 1);
});

claim("when somebody joined is told where it happened, once older messages have loaded", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link, chat } = await register(abhi);
  await pour(abhi, chat, lines(60));
  await join(anny, link);
  await pour(abhi, chat, lines(125).slice(60));
  await openMySide(abhi);
  const { page } = abhi;
  await until("the oldest is there", async () => {
    await wheel(page, -2000);
    return (await texts(page))[0] === "line 1.";
  });
  const told = () =>
    page.locator("#messages :is(.day, .event, .text)").evaluateAll((items) => {
      const at = items.findIndex((item) => item.matches(".event"));
      return items.slice(at - 1, at + 2).map((item) => item.textContent?.replace(/ · .*/, ""));
    });
  await untilIs("what stands around it", told, ["line 60.", "Anny joined", "line 61."]);
  assert.match((await page.locator("#messages .event").textContent()) ?? "", / · \d\d:\d\d$/);
});

claim("older messages that arrive above move nothing", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await pour(abhi, one.chat, lines(120));
  let answer = () => {};
  const held = new Promise((resolve) => (answer = () => resolve(undefined)));
  await anny.page.route("**/messages?before=*", async (route) => {
    await held;
    await route.continue();
  });
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await wheel(anny.page, -100_000);
  await until("somewhere above", async () => (await fromEnd(anny.page)) > 300);
  const first = (await texts(anny.page))[0];
  const steady = await until("the scroller stands still", async () => {
    const before = await top(anny.page, first);
    return (await top(anny.page, first)) === before ? [before] : null;
  });
  answer();
  await until("older ones are there", async () => (await texts(anny.page)).length > 50);
  await until("what was read stands where it stood", async () => Math.abs((await top(anny.page, first)) - (steady?.[0] ?? 0)) <= 1);
});

claim("who reads further up is told of new messages and not moved", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, lines(60));
  await message(anny.page, "line 60.").waitFor();
  await wheel(anny.page, -600);
  await until("somewhere above", async () => (await fromEnd(anny.page)) > 300);
  const reading = "line 40.";
  const before = await until("it stands still", async () => {
    const seen = await top(anny.page, reading);
    return (await top(anny.page, reading)) === seen ? [seen] : null;
  });
  await say(abhi.page, "new\nin\nthree lines");
  const pill = anny.page.locator("#pill");
  await pill.getByText("1 new message", { exact: true }).waitFor();
  await say(abhi.page, "and another");
  await pill.getByText("2 new messages", { exact: true }).waitFor();
  await until("what was read stands where it stood", async () => Math.abs((await top(anny.page, reading)) - (before?.[0] ?? 0)) <= 1);
  await untilIs("the unread lines", () => anny.page.locator("#messages .unread").count(), 1);
  await untilIs("the title", () => anny.page.title(), "(2) Abhi · duet");
  await pill.click();
  await untilIs("the distance to the end", () => fromEnd(anny.page), 0);
  await untilIs("the pill", () => pill.isVisible(), false);
  await untilIs("the title", () => anny.page.title(), "Abhi · duet");
});

claim("who comes back finds the line where the unread part begins", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  await say(abhi.page, "read before");
  await message(anny.page, "read before").waitFor();
  await untilIs("the tick", () => message(abhi.page, "read before").getAttribute("data-state"), "seen");
  await anny.page.goto("about:blank");
  await say(abhi.page, "first unread");
  await say(abhi.page, "second unread");
  await until("both are stored", () => message(abhi.page, "second unread").and(abhi.page.locator("[data-seq]")).count());
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await untilIs("what stands below the line", () => anny.page.locator("#messages .unread + .message .text").textContent(), "first unread");
});

claim("a tab in the background marks where the unread part begins", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await say(abhi.page, "seen");
  await untilIs("the tick", () => message(abhi.page, "seen").getAttribute("data-state"), "seen");
  await setHidden(anny.page, true);
  await say(abhi.page, "missed");
  await message(anny.page, "missed").waitFor();
  await untilIs("what stands below the line", () => anny.page.locator("#messages .unread + .message .text").textContent(), "missed");
  await setHidden(anny.page, false);
  await say(anny.page, "answered");
  await untilIs("the line", () => anny.page.locator("#messages .unread").count(), 0);
});
