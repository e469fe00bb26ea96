// The narrowest window there is to serve, and the longest names and texts there are.

import assert from "node:assert/strict";

import { faults } from "../harness/access.js";
import { claim, share } from "../harness/claim.js";
import { choose, endForBoth, join, meet, message, openMySide, register, say } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

const NARROW = { viewport: { width: 320, height: 568 } };
/** As long as a name may be: the widest letter there is, and words that break nowhere. */
const [WIDE, LONG] = ["W".repeat(40), "Donaudampfschifffahrtsgesellschaftskapit"];

const TEXTS = [
  "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
  "https://example.org/a/very/long/path/that/does/not/end/anywhere/near/the/edge?with=query&and=more#fragment",
  "`inline code that is longer than a line` and\n```\nfunction longLine(withManyArguments, thatDoNotFit) { return null }\n```",
  "👍👍👍👍👍👍",
];

claim("the longest names and texts stay inside a narrow window", async ({ person }) => {
  const [abhi, anny, phone] = [await person(NARROW), await person(NARROW), await person(NARROW)];
  phone.expectStatus(409);
  for (const one of [abhi, anny, phone]) one.expectStatus(410);
  const { page } = abhi;
  const fits = async (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ where) => {
    await untilIs(`what is wrong with ${where}`, () => faults(page), []);
    const controls = page.locator("button:visible, a.button:visible, textarea:visible, summary:visible");
    const edges = await controls.evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right]));
    for (const [left, right] of edges) assert.ok(left >= 0 && right <= NARROW.viewport.width, `${where}: a control from ${left} to ${right}`);
  };
  const { link } = await register(abhi, { you: WIDE, peer: LONG });
  await fits(page, "the invitation");
  await openMySide(abhi);
  await fits(page, "the chat with nobody there");
  await join(anny, link, LONG);
  for (const text of TEXTS) {
    await say(page, text);
    await message(anny.page, text.split(/[\n`]/).find(Boolean) ?? "").waitFor();
  }
  await fits(page, "the chat of one's own words");
  await fits(anny.page, "the chat of the other's words");
  await page.locator("#menu summary").click();
  await fits(page, "the menu");
  await page.keyboard.press("Escape");
  await phone.page.goto(link);
  await phone.page.getByLabel("Your name").fill(LONG);
  await phone.page.getByRole("button", { name: "Enter", exact: true }).click();
  await phone.page.getByRole("heading", { name: "has already joined" }).waitFor();
  await fits(phone.page, "a seat that is taken");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  await page.locator("#asks form").waitFor();
  await fits(page, "somebody at the door");
  await fits(phone.page, "the wait at the door");
  await choose(page, "End the chat");
  await page.getByRole("dialog").waitFor();
  await fits(page, "the question");
  await page.keyboard.press("Escape");
  await endForBoth(anny.page);
  await page.getByText(`${LONG} ended the chat.`).waitFor();
  await fits(page, "the end");
});

claim("the invitation fits a window of 280 pixels, as a phone that is folded has", async ({ person }) => {
  const abhi = await person({ viewport: { width: 280, height: 653 } });
  await register(abhi, { you: WIDE, peer: LONG });
  await untilIs("how wide the page is", () => abhi.page.evaluate(() => document.documentElement.scrollWidth), 280);
});

claim("enlarged four times, a chat has its menu, its field and the newest message in sight", async ({ person }) => {
  // What is left of 1280 by 800.
  const viewport = { width: 320, height: 200 };
  const [abhi, anny] = [await person({ viewport }), await person()];
  for (const one of [abhi, anny]) one.expectStatus(410);
  await meet(abhi, anny);
  const { page } = abhi;
  await say(anny.page, "The newest");
  const bottoms = () => page.evaluate(() => ["#menu summary", ".text", "#message"].map((what) => document.querySelector(what)?.getBoundingClientRect().bottom ?? 0));
  await until("all of it is in sight", bottoms, ([menu, newest, field]) => menu > 40 && newest > menu && field > newest && field <= viewport.height);
  await endForBoth(page);
  await page.getByText("You ended the chat.").waitFor();
});

claim("a state too long for a phone's bar ends where the bar ends, with dots", async ({ person }) => {
  const [abhi, anny] = [await person(NARROW), await person()];
  await meet(abhi, anny);
  const state = () =>
    abhi.page.locator("#presence").evaluate((line) => {
      line.textContent = "Last seen when somebody looked".repeat(3);
      const [{ right }, end] = [line.getBoundingClientRect(), /** @type {Element} */ (line.parentElement).getBoundingClientRect().right];
      return { isInside: right <= end + 1, isCut: line.scrollWidth > line.clientWidth };
    });
  assert.deepEqual(await state(), { isInside: true, isCut: true });
});
