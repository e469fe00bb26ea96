// Times and dates, as the browser of whoever reads them writes them, in whatever language the page is.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, say } from "../harness/flows.js";

share();

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
