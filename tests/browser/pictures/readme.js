// The pictures of the README, made from the real thing: `docs/screenshots/`.

import { mkdir } from "node:fs/promises";

import { openBrowser } from "../harness/claim.js";
import { meetByForms, message, say, saveCode, untilTick } from "../harness/flows.js";
import { settle } from "../harness/look.js";
import { Person } from "../harness/person.js";
import { people } from "../harness/samples.js";
import { Server } from "../harness/server.js";

const FOLDER = new URL("../../../docs/screenshots/", import.meta.url).pathname;
/** Short, so that it stands there whole. @type {[1 | 2, string][]} */
const TALK = [
  [2, "Hi! That was easier than I thought 🙂"],
  [1, "Told you. Did you book the train?"],
  [2, "Yes: Saturday, 9:42, platform 7. The ticket is here: https://example.org/t/4711"],
  [1, "Perfect. I will bring the maps and the good thermos.\nAnything else?"],
  [2, "🎉"],
  [1, "See you on Saturday. The door opens with `7411`."],
];
const PHONE = { viewport: { width: 390, height: 740 }, colorScheme: /** @type {const} */ ("light"), deviceScaleFactor: 1.5 };
const DESKTOP = { viewport: { width: 860, height: 690 }, colorScheme: /** @type {const} */ ("dark"), deviceScaleFactor: 1.5 };

const [server, browser] = await Promise.all([Server.start(), openBrowser({ whole: true })]);
const [abhi, anny] = await Promise.all([Person.arrive(browser, server, PHONE), Person.arrive(browser, server, DESKTOP)]);
await meetByForms(abhi, anny, { ...people.en, encrypted: true });
for (const { page } of [abhi, anny]) await saveCode(page);
for (const [seat, words] of TALK) {
  const [from, to] = seat === 1 ? [abhi, anny] : [anny, abhi];
  await say(from.page, words);
  const begin = words.split(/[\n`]/)[0];
  await message(to.page, begin).waitFor();
  await untilTick(from.page, begin, "Seen");
}
for (const { page } of [abhi, anny]) {
  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await settle(page);
}
const [phone, desktop] = await Promise.all([abhi, anny].map(async ({ page }) => (await page.screenshot()).toString("base64")));

await mkdir(FOLDER, { recursive: true });
const table = await browser.newPage({ viewport: { width: 1330, height: 790 }, deviceScaleFactor: 1.5 });
const frame = "position:absolute;border-radius:18px;box-shadow:0 18px 50px rgb(0 0 0/.28)";
await table.setContent(`<body style="margin:0;background:#dfe7e2">
  <img style="${frame};left:444px;top:50px;width:860px" src="data:image/png;base64,${desktop}">
  <img style="${frame};left:24px;top:24px;width:390px;border-radius:30px" src="data:image/png;base64,${phone}">`);
await table.screenshot({ path: `${FOLDER}chat.png` });

const start = await Person.arrive(browser, server, { viewport: { width: 1200, height: 860 } });
await start.page.goto("/");
await start.page.getByLabel("Your name").fill(people.en.you);
await start.page.getByLabel("Their name").fill(people.en.peer);
await start.page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
await settle(start.page);
await start.page.screenshot({ path: `${FOLDER}register.png` });
await browser.close();
await server.remove();
