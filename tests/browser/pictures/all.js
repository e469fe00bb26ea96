// Pictures of every page and state, light and dark, on phones upright and turned and on a desktop, for people to look at: in `screenshots/`, a
// folder for each language, two for the states that only encrypted chats have, one for the pages without scripts, one for forced colours and one
// for paper, and in `screenshots/sheets/` all of them side by side.

import { mkdir, rm } from "node:fs/promises";

import { openBrowser } from "../harness/claim.js";
import { walk } from "../harness/gallery.js";
import { walkEncrypted } from "../harness/gallery/encrypted.js";
import { Person } from "../harness/person.js";
import { Relay } from "../harness/relay.js";
import { locales } from "../harness/samples.js";
import { Server } from "../harness/server.js";
import { sheets } from "./sheets.js";

const FOLDER = new URL("../screenshots/", import.meta.url).pathname;
/** @type {Record<keyof typeof import("./sheets.js").PER_SHEET, { width: number, height: number }>} */
const SCREENS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 }, small: { width: 320, height: 568 }, turned: { width: 568, height: 320 } };
/** Where there is little room the colours are looked at once. */
const COLOURS = /** @type {const} */ ({ phone: ["light", "dark"], desktop: ["light", "dark"], small: ["light"], turned: ["dark"] });
/** What looks different when it is mirrored, and what looks different without scripts. */
const MAIN = /^(register|register-problem|invite|login|login-taken|ask-waiting|chat-nobody-yet|chat|chat-menu|chat-asked|chat-end-dialog|chat-offline|chat-pill|device|sessions|error-410)$/;
const PLAIN = /^(register|invite|chat-nobody-yet|chat|chat-menu|chat-not-sent|chat-let-in|chat-older|ask-waiting|ask-allowed|end|login-encrypted|chat-encrypted)$/;
const FORCED = /^(register|register-problem|register-encrypted-more|invite|login-taken|chat|chat-menu|chat-end-dialog|chat-failed|chat-asked|chat-encrypted-lies|sessions)$/;
const PAPER = /^(chat|chat-encrypted-lies|chat-pill|invite|device|sessions|error-410)$/;

/** @param {import("../harness/gallery/steps.js").Walk} asked */
async function both(asked) {
  await walk(asked);
  await walkEncrypted(asked);
}

const WALKS = /** @type {const} */ ([
  { folder: "english", language: "en", scripts: true, which: /./, through: walk },
  { folder: "arabic", language: "ar", scripts: true, which: MAIN, through: walk },
  { folder: "encrypted", language: "en", scripts: true, which: /./, through: walkEncrypted },
  { folder: "encrypted-arabic", language: "ar", scripts: true, which: /./, through: walkEncrypted },
  { folder: "without-scripts", language: "en", scripts: false, which: PLAIN, through: both },
  { folder: "forced-colours", language: "en", scripts: true, which: FORCED, through: both, forcedColors: "active" },
  { folder: "paper", language: "en", scripts: true, which: PAPER, through: both, media: "print" },
]);

/** `npm run screenshots -- arabic paper` takes these alone. */
const asked = process.argv.slice(2);
const walks = WALKS.map((walk) => ({ media: /** @type {"print" | undefined} */ (undefined), ...walk })).filter(({ folder }) => !asked.length || asked.includes(folder));

await rm(FOLDER, { recursive: true, force: true });
const relay = await Relay.start();
const [server, browser] = await Promise.all([Server.start({}, relay), openBrowser({ whole: true })]);
for (const { folder, language, scripts, which, through, media, ...look } of walks) {
  const to = `${FOLDER}${folder}`;
  await mkdir(to, { recursive: true });
  await through({
    language,
    scripts,
    relay,
    person: () => Person.arrive(browser, server, { locale: locales[language], reducedMotion: "reduce", javaScriptEnabled: scripts, ...look }),
    show: async (name, page) => {
      if (!which.test(name)) return;
      for (const [screen, size] of Object.entries(SCREENS)) {
        await page.setViewportSize(size);
        for (const colorScheme of COLOURS[/** @type {keyof typeof COLOURS} */ (screen)]) {
          await page.emulateMedia({ colorScheme, media });
          await page.screenshot({ path: `${to}/${name}.${screen}.${colorScheme}.png`, fullPage: true });
        }
      }
      await page.emulateMedia({ media: null });
      await page.setViewportSize(SCREENS.desktop);
    },
  });
}
await sheets(browser, FOLDER, walks.map(({ folder }) => folder));
await browser.close();
await server.remove();
relay.stop();
console.log(`The pictures are in ${FOLDER}`);
