// What is on the screen: shapes that stand without colours, a page that keeps still, and who is talked to.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, openMySide, register, say, speak, tell, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

const PHONE = { viewport: { width: 320, height: 568 }, isMobile: true, hasTouch: true };

/** What of an element can be told apart without its colours. @param {Page} page @param {string} selector @param {string} [pseudo] */
const shape = (page, selector, pseudo) =>
  page
    .locator(selector)
    .first()
    .evaluate((node, pseudo) => {
      const { borderTopWidth, outlineStyle, outlineWidth, backgroundPosition, maskImage, content, backgroundColor } = getComputedStyle(node, pseudo);
      const filled = !/^transparent$|^rgba\(.*, 0\)$/.test(backgroundColor);
      return JSON.stringify([borderTopWidth, outlineStyle, outlineWidth, backgroundPosition, maskImage, content, filled]);
    }, pseudo);

claim("with forced colours, what a colour tells is told by a shape as well", async ({ person, browser }) => {
  const [abhi, anny] = [await person({ forcedColors: "active" }), await person()];
  abhi.expectStatus(409);
  const { page } = abhi;
  const differ = async (/** @type {string} */ one, /** @type {string} */ other, /** @type {string} */ pseudo = "") =>
    assert.notEqual(await shape(page, one, pseudo), await shape(page, other, pseudo), `${one} looks like ${other}`);
  await page.goto("/");
  await differ(".choice input:checked + span", ".choice input:not(:checked) + span");
  await differ(".segments [aria-pressed=true]", ".segments [aria-pressed=false]");
  await meet(abhi, anny);
  await untilIs("the other person", () => page.locator("#presence").textContent(), "Online");
  const online = await shape(page, "#presence", "::before");
  await say(page, "Mine");
  await untilTick(page, "Mine", "Seen");
  await say(anny.page, "Theirs");
  await message(page, "Theirs").waitFor();
  await differ(".mine .bubble", ".theirs .bubble");
  assert.match(await shape(page, ".mine .tick", "::after"), /url\(.*true\]$/, "a tick that cannot be seen");
  await page.route("**/message_send", (route) => route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "" } } }));
  await say(page, "Refused");
  await untilTick(page, "Refused", "Not sent");
  await differ(".mine[data-state=failed] .tick", ".mine[data-state=seen] .tick", "::after");
  await page.locator("#menu summary").click();
  await page.getByRole("button", { name: "Sound" }).click();
  await untilIs("the switch", () => page.locator("#sound").getAttribute("aria-pressed"), "true");
  await differ("#sound", "#notifications", "::after");
  await page.keyboard.press("Escape");
  await anny.page.close();
  await until("leaving is shown", () => page.locator("#presence").textContent(), (words) => /^Last seen/.test(words ?? ""));
  assert.notEqual(await shape(page, "#presence", "::before"), online);
  // Whoever points a camera at the screen needs black on white.
  await register(abhi);
  const code = page.getByRole("img", { name: "QR code of the link" });
  const { scan } = await import("../harness/scan.js");
  assert.equal(await scan(code, browser), await page.locator("#link").inputValue());
});

/** Runs in the page, ahead of its scripts: how much of it was moved by something else than a person. */
function watchShifts() {
  Object.assign(globalThis, { shifts: [] });
  new PerformanceObserver((list) => {
    for (const entry of /** @type {any[]} */ (list.getEntries())) {
      if (!entry.hadRecentInput) /** @type {any} */ (globalThis).shifts.push(entry.sources.map((/** @type {any} */ { node }) => node?.id || node?.className || node?.nodeName));
    }
  }).observe({ type: "layout-shift", buffered: true });
}

/** Where the bar, the messages and the field stand. @param {Page} page */
const frame = (page) =>
  page.evaluate(() => [".bar", "#history", "#composer"].map((what) => Math.round(document.querySelector(what)?.getBoundingClientRect().top ?? NaN)));

claim("nothing jumps on the smallest phone, whatever becomes of the connection and the other person", async ({ person }) => {
  const [abhi, anny] = [await person(PHONE), await person()];
  await abhi.context.addInitScript(watchShifts);
  const { one, two } = await meet(abhi, anny);
  const { page } = abhi;
  const presence = () => page.locator("#presence").textContent();
  await untilIs("the other person", presence, "Online");
  const before = await frame(page);
  await tell(anny, `${two.chat}/typing`, {});
  await until("typing is shown", () => page.locator("#typing").textContent());
  assert.deepEqual(await frame(page), before, "typing moves the page");
  await anny.page.goto("about:blank");
  await until("leaving is shown", presence, (words) => /^Last seen/.test(words ?? ""));
  assert.deepEqual(await frame(page), before, "leaving moves the page");
  await page.route("**/stream?*", () => {});
  await page.reload();
  await inChat(page);
  await until("the page waits for its stream", presence, (words) => words === "Connecting…");
  assert.deepEqual(await frame(page), before, "waiting moves the page");
  await page.unroute("**/stream?*");
  await page.goto(one.chat);
  await until("the page is live", presence, (words) => /^Last seen/.test(words ?? ""));
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).shifts), []);
});

claim("the other person's initial stands beside their name as soon as there is one", async ({ person }) => {
  const [abhi, zoe] = [await person(), await person()];
  const { link } = await register(abhi, { peer: "" });
  await openMySide(abhi);
  const avatar = abhi.page.locator("#avatar");
  await avatar.locator("svg").waitFor();
  const name = "e\u0301lodie";
  await tell(zoe, `${new URL(link).pathname}/login`, { user: name });
  await untilIs("the initial", () => avatar.textContent(), "É".normalize("NFC"));
  await abhi.page.reload();
  await untilIs("the initial", () => avatar.textContent(), "É".normalize("NFC"));
  assert.equal(await avatar.getAttribute("aria-hidden"), "true");
});

claim("the menu begins with what is switched, has colours and language in one row, and one way to download", async ({ person }) => {
  const [abhi, anny] = [await person({ viewport: { width: 390, height: 844 } }), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  await page.locator("#menu summary").click();
  const entries = await page.locator("#menu .item").allInnerTexts();
  assert.deepEqual(entries.slice(0, 2), ["Notifications", "Sound"]);
  assert.equal(entries.filter((words) => /download/i.test(words)).length, 1);
  const icons = await page.locator("#menu .item").evaluateAll((all) => all.filter((item) => !item.querySelector("svg")).length);
  assert.equal(icons, 0, "an entry without an icon");
  const rows = () => page.locator("#menu .choose .segments").evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
  await until("they stand in one row", rows, ([colours, language]) => colours === language);
});

/** Opens the menu. Answers with its entries that are not in it whole, as it stands. @param {Page} page */
async function cutOff(page) {
  await page.locator("#menu summary").click();
  return page.locator("#menu .panel").evaluate((panel) => {
    const [edge, entries] = [panel.getBoundingClientRect(), panel.querySelectorAll(".item, .segments button")];
    const inside = (/** @type {DOMRect} */ { top, bottom, left, right }) =>
      top >= edge.top && bottom <= Math.min(edge.bottom, innerHeight) && left >= edge.left && right <= edge.right;
    return [...entries].filter((entry) => !inside(entry.getBoundingClientRect())).map(({ textContent }) => textContent);
  });
}

for (const language of ["en", "ar"]) {
  claim(`the whole menu is in sight on every phone, upright and turned, in ${language}`, async ({ person }) => {
    const [abhi, anny] = [await person(PHONE), await person()];
    await meet(abhi, anny);
    const { page } = abhi;
    await speak(page, language);
    for (const [width, height] of [[320, 568], [568, 320], [360, 640], [640, 360], [844, 390], [932, 430]]) {
      await page.setViewportSize({ width, height });
      await untilIs(`what is cut off at ${width} by ${height}`, async () => {
        const cut = await cutOff(page);
        await page.keyboard.press("Escape");
        return cut;
      }, []);
    }
  });
}

claim("where a menu is longer than its place, the edge shows that there is more", async ({ person }) => {
  const [abhi, anny] = [await person({ viewport: { width: 320, height: 420 } }), await person()];
  await meet(abhi, anny);
  const { page } = abhi;
  const panel = page.locator("#menu .panel");
  /** A piece of an edge in which no entry stands. @param {"top" | "bottom"} edge */
  const edge = async (edge) => {
    const box = await panel.boundingBox();
    assert.ok(box);
    const y = edge === "top" ? box.y + 2 : box.y + box.height - 6;
    return (await page.screenshot({ clip: { x: box.x + 17, y, width: 5, height: 4 } })).toString("base64");
  };
  assert.ok((await cutOff(page)).length > 0, "nothing is cut off here");
  const [top, bottom] = [await edge("top"), await edge("bottom")];
  await panel.evaluate((panel) => panel.scrollTo(0, panel.scrollHeight));
  await until("the shade has changed sides", async () => (await edge("top")) !== top && (await edge("bottom")) !== bottom);
});
