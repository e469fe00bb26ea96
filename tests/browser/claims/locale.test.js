// Times and dates, as the browser of whoever reads them writes them, in whatever language the page is.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { inChat, meet, message, say, speak } from "../harness/flows.js";
import { untilIs } from "../harness/until.js";

shareBehindRelay();

for (const [locale, time, today] of /** @type {const} */ ([
  ["de-DE", /^\d\d:\d\d$/, "Heute"],
  ["fr-FR", /^\d\d:\d\d$/, "Aujourd’hui"],
  ["en-US", /^\d{1,2}:\d\d [AP]M$/, "Today"],
  ["en-GB", /^\d\d:\d\d$/, "Today"],
])) {
  claim(`a browser in ${locale} writes times its own way`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person({ locale })];
    const { two } = await meet(abhi, anny);
    await say(abhi.page, "What time is it?");
    await message(anny.page, "What time").waitFor();
    const look = async () => {
      const written = (await anny.page.locator("#messages .meta time").innerText()).replace(/\s/g, " ");
      assert.match(written, time);
      const day = (await anny.page.locator("#messages .day").innerText()).toLowerCase().replaceAll("'", "’");
      assert.equal(day, today.toLowerCase());
    };
    await look();
    await anny.page.goto(two.chat);
    await inChat(anny.page);
    await look();
  });
}

for (const tags of [["C"], ["*", "en-US@posix"], []]) {
  claim(`a browser that names ${JSON.stringify(tags)} as its languages writes times as it does by itself`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    await anny.context.addInitScript((tags) => Object.defineProperty(navigator, "languages", { value: tags }), tags);
    await meet(abhi, anny);
    await say(abhi.page, "What time is it?");
    await message(anny.page, "What time").waitFor();
    assert.match(await anny.page.locator("#messages .meta time").innerText(), /^\d\d:\d\d$/);
    await say(anny.page, "Late");
    await message(abhi.page, "Late").waitFor();
  });
}

claim("times and days follow the zone of a system that changes it", async ({ person, relay }) => {
  const [abhi, anny] = [await person(), await person({ timezoneId: undefined })];
  const { page } = anny;
  const wire = await anny.context.newCDPSession(page);
  const moveTo = (/** @type {string} */ timezoneId) => wire.send("Emulation.setTimezoneOverride", { timezoneId });
  await moveTo("UTC");
  await meet(abhi, anny);
  // One day in Greenwich, and two days on the other side of the world.
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  relay.event = (name, data) => [[name, name === "message" ? { ...data, timestamp: `${day}T${data.message}:00.000Z` } : data]];
  for (const words of ["09:30", "11:30"]) await say(abhi.page, words);
  await message(page, "11:30").waitFor();
  const shown = () => page.locator("#messages .meta time").allInnerTexts();
  const days = () => page.locator("#messages .day").count();
  await untilIs("the times", shown, ["09:30", "11:30"]);
  // And the one when Anny joined.
  await untilIs("the days", days, 2);
  await moveTo("Pacific/Kiritimati");
  await untilIs("the times", shown, ["23:30", "01:30"]);
  await untilIs("the days", days, 3);
});

claim("a time keeps its order in a sentence that runs the other way", async ({ person }) => {
  const [abhi, anny] = [await person({ locale: "en-US" }), await person()];
  const { page } = abhi;
  await meet(abhi, anny);
  await speak(page, "ar");
  await anny.page.goto("about:blank");
  await page.locator("#presence", { hasText: "آخر ظهور" }).waitFor();
  const [hour, half] = await page.locator("#presence").evaluate((line) => {
    const words = /** @type {Text} */ (document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode());
    return [/\d/, /[AP]M/].map((what) => {
      const at = words.data.search(what);
      const letter = document.createRange();
      letter.setStart(words, at);
      letter.setEnd(words, at + 1);
      return letter.getBoundingClientRect().left;
    });
  });
  assert.ok(hour < half, `the hour stands at ${hour}, AM or PM at ${half}`);
});
