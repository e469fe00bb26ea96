// What stands in the way of what: dates that scroll by, strips, screens with little room, words that run the other way.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { begin, inChat, meet, message, openMySide, pour, register, say, speak } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */

const TURNED = { viewport: { width: 568, height: 320 }, isMobile: true, hasTouch: true };
const DAY_MS = 86_400_000;

/** The dates that are seen, with their places, from the top. @param {Page} page */
const dates = (page) =>
  page.locator("#history").evaluate((history) => {
    const { top: start, bottom: end } = history.getBoundingClientRect();
    return [...history.querySelectorAll(".day")]
      .filter((day) => getComputedStyle(day).opacity === "1")
      .map((day) => ({ words: day.textContent, top: day.getBoundingClientRect().top - start, bottom: day.getBoundingClientRect().bottom - start }))
      .filter(({ top, bottom }) => bottom > 0 && top < end - start);
  });

claim("of the days that scroll by one date stands at the top, and none behind another", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 50 }, (_, index) => `line ${index + 1}.`));
  const { page } = anny;
  await message(page, "line 50.").waitFor();
  // The first ten were said a week ago, the next fifteen a day ago.
  const ages = [...Array(10).fill(7), ...Array(15).fill(1)];
  await page.route(two.chat, async (route) => {
    const response = await route.fetch();
    let nth = 0;
    const body = (await response.text()).replace(/data-at="(\d+)"/g, (_, at) => `data-at="${at - (ages[nth++] ?? 0) * DAY_MS}"`);
    await route.fulfill({ response, body });
  });
  await page.goto(two.chat);
  await inChat(page);
  await untilIs("the days", () => page.locator("#messages .day").count(), 3);
  /** @type {Set<string | null>} */
  const seen = new Set();
  await page.locator("#history").hover();
  // From the newest message on: it opens at the first that she was not seen to read.
  await page.locator("#history").evaluate((node) => void (node.scrollTop = 0));
  const scrolled = () => page.locator("#history").evaluate((node) => node.scrollTop);
  await until("the oldest day stands at the top", async () => {
    const found = await until("no date behind another", () => dates(page), (all) => all.every(({ top }, at) => !at || top >= all[at - 1].bottom));
    if (found[0]?.top < 40) seen.add(found[0].words);
    if (await page.locator("#history").evaluate((node) => Math.ceil(node.scrollTop) <= node.clientHeight - node.scrollHeight + 1)) return true;
    // One step at a time: several that wait for a busy browser are made as one, past whole days.
    const at = await scrolled();
    await page.mouse.wheel(0, -60);
    await until("it has scrolled", async () => (await scrolled()) !== at);
    return false;
  });
  await untilIs("the days that stood there", () => seen.size, 3);
});

claim("the words above what is new are not covered by the date", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await say(anny.page, "Later!");
  await anny.page.goto("about:blank");
  await pour(abhi, one.chat, Array.from({ length: 40 }, (_, index) => `line ${index + 1}.`));
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await anny.page.locator("#pill").waitFor();
  const words = anny.page.getByText("New messages", { exact: true });
  await until("nothing lies upon them", () =>
    words.evaluate((node) => {
      const { left, right, top, bottom } = node.getBoundingClientRect();
      return [left + 2, right - 2].every((x) => [top + 2, bottom - 2].every((y) => node.contains(document.elementFromPoint(x, y))));
    }),
  );
});

claim("on a phone that is turned, what to do in a chat with nobody there is in sight", async ({ person }) => {
  const abhi = await person(TURNED);
  await register(abhi);
  await openMySide(abhi);
  const words = abhi.page.getByText("Anny has not joined yet");
  const top = () => abhi.page.locator("#history").evaluate((node) => node.getBoundingClientRect().top);
  await until("the first line is in sight", async () => ((await words.boundingBox())?.y ?? 0) >= (await top()));
});

claim("why an encrypted chat is not shown is in sight on a phone that is turned", async ({ person }) => {
  const abhi = await person();
  const { chat } = await begin(abhi);
  const plain = await person({ ...TURNED, javaScriptEnabled: false, storageState: await abhi.context.storageState() });
  await plain.page.goto(chat);
  await inView(plain.page, "This chat is encrypted and needs JavaScript to be read.");

  const { page } = abhi;
  await page.setViewportSize(TURNED.viewport);
  await page.route(chat, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll(`${chat}&quot;`, `${chat.replace(/1$/, "2")}&quot;`) });
  });
  await page.goto(chat);
  await inView(page, "The server answered with another chat.");
});

/** @param {Page} page @param {string} text */
async function inView(page, text) {
  const words = page.getByText(text);
  await words.waitFor();
  const sight = () => page.locator("#history").evaluate((node) => node.getBoundingClientRect().toJSON());
  await until("the words are in sight", async () => {
    const [box, { top, bottom }] = [await words.boundingBox(), await sight()];
    return box && box.y >= top && box.y + box.height <= bottom;
  });
}

/** Both in a chat, one of them in another language. @param {(options?: import("../harness/person.js").Options) => Promise<import("../harness/person.js").Person>} person @param {string} language */
async function meetIn(person, language) {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  const { page } = abhi;
  await speak(page, language);
  return { page, tell: (/** @type {string} */ words) => pour(anny, two.chat, [words]) };
}

for (const [language, words] of /** @type {const} */ ([["ar", "The door is open"], ["en", "الباب مفتوح"]])) {
  claim(`the time keeps its distance from words that run the other way, in ${language}`, async ({ person }) => {
    const { page, tell } = await meetIn(person, language);
    await tell(words);
    const gap = () =>
      message(page, words).evaluate((item) => {
        const [one, other] = [".text", ".meta"].map((part) => item.querySelector(part)?.getBoundingClientRect());
        return one && other ? Math.max(other.left - one.right, one.left - other.right) : NaN;
      });
    await until("there is room between them", gap, (px) => px >= 8);
  });
}

claim("an emoji stands at the edge at which its language begins, and its time behind it", async ({ person }) => {
  for (const language of ["ar", "en"]) {
    const { page, tell } = await meetIn(person, language);
    await tell("🎉");
    const ends = () =>
      message(page, "🎉").evaluate((item) => {
        const [outer, text, time] = [item, item.querySelector(".text"), item.querySelector(".meta")].map((part) => part?.getBoundingClientRect());
        if (!outer || !text || !time) return [];
        return document.dir === "rtl" ? [outer.right - text.right, text.left - time.right] : [text.left - outer.left, time.left - text.right];
      });
    await until(`they stand so in ${language}`, ends, ([gap, room]) => Math.abs(gap) < 3 && room > 0);
  }
});

claim("the lines of a text that runs from the right begin at the right, in any language", async ({ person }) => {
  for (const language of ["ar", "en"]) {
    const { page, tell } = await meetIn(person, language);
    await tell(`${"ممتاز سأحضر الخرائط والخبز الجيد ".repeat(9)}\nهل من شيء آخر`);
    const edges = () =>
      message(page, "ممتاز").locator(".text").evaluate((text) => {
        const lines = document.createRange();
        lines.selectNodeContents(text);
        /** @type {Map<number, number>} */
        const rights = new Map();
        for (const { top, right } of lines.getClientRects()) rights.set(Math.round(top), Math.max(rights.get(Math.round(top)) ?? 0, Math.round(right)));
        return [...rights.values()];
      });
    await until("all lines begin at one edge", edges, (all) => all.length > 2 && Math.max(...all) - Math.min(...all) <= 1);
  }
});

claim("in a language that runs from the right, the return code stands below its words and the way out leads to the left", async ({ person }) => {
  const { page } = await meetIn(person, "ar");
  assert.equal(await page.locator("#return-code").evaluate((node) => getComputedStyle(node).textAlign), "right");
  const out = page.locator('[data-dialog="logout-dialog"] svg');
  assert.equal(await out.evaluate((node) => new DOMMatrix(getComputedStyle(node).transform).a), -1);
});

claim("a name too long for the bar shows where it begins, whichever way it and the page run", async ({ person }) => {
  const names = { en: "عبد الرحمن بن عبد العزيز آل الشيخ الكبير", ar: "Bartholomew Christopherson-Featherstone" };
  for (const javaScriptEnabled of [true, false]) {
    for (const language of /** @type {const} */ (["en", "ar"])) {
      const [abhi, anny] = [await person({ viewport: { width: 320, height: 568 }, javaScriptEnabled }), await person()];
      await meet(abhi, anny, { you: "Abhi", peer: names[language] });
      await speak(abhi.page, language);
      const { first, box } = await abhi.page.locator("#peer").evaluate((peer) => {
        const letter = document.createRange();
        const words = /** @type {Text} */ (document.createTreeWalker(peer, NodeFilter.SHOW_TEXT).nextNode());
        letter.setStart(words, 0);
        letter.setEnd(words, 1);
        return { first: letter.getBoundingClientRect().toJSON(), box: peer.getBoundingClientRect().toJSON() };
      });
      assert.ok(first.left >= box.left - 1 && first.right <= box.right + 1, `${language}: the first letter ends at ${first.right}, the bar has ${box.left} to ${box.right}`);
    }
  }
});

claim("a field that nothing stands in yet begins where its language does, and runs the way of what is written", async ({ person }) => {
  const { page } = await meetIn(person, "ar");
  const runs = (/** @type {string} */ id) => page.locator(id).evaluate((field) => getComputedStyle(field).direction);
  assert.equal(await runs("#message"), "rtl");
  await page.locator("#message").fill("In English");
  assert.equal(await runs("#message"), "ltr");
  await page.goto("/");
  assert.equal(await runs("#user-one"), "rtl");
  await page.locator("#user-one").fill("Abhi");
  assert.equal(await runs("#user-one"), "ltr");
});
