// Pictures of every page and state, light and dark, on a phone and on a desktop, for people to look at: in `screenshots/`, a folder for each
// language, one for the pages without scripts and one for forced colours, and in `screenshots/sheets/` all of them side by side.

import { mkdir, rm } from "node:fs/promises";

import { openBrowser } from "../harness/claim.js";
import { walk } from "../harness/gallery.js";
import { Person } from "../harness/person.js";
import { locales } from "../harness/samples.js";
import { Server } from "../harness/server.js";
import { sheets } from "./sheets.js";

const FOLDER = new URL("../screenshots/", import.meta.url).pathname;
const SCREENS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
/** What looks different when it is mirrored, and what looks different without scripts. */
const MAIN = /^(register|register-problem|invite|login|login-taken|ask-waiting|chat-nobody-yet|chat|chat-menu|chat-asked|chat-end-dialog|chat-offline|chat-pill|device|sessions|error-410)$/;
const PLAIN = /^(register|invite|chat-nobody-yet|chat|chat-menu|chat-not-sent|chat-let-in|chat-older|ask-waiting|ask-allowed|end)$/;

const FORCED = /^(register|register-problem|login-taken|chat|chat-menu|chat-end-dialog|chat-failed|chat-asked|sessions)$/;

const WALKS = /** @type {const} */ ([
  { folder: "english", language: "en", scripts: true, which: /./ },
  { folder: "arabic", language: "ar", scripts: true, which: MAIN },
  { folder: "without-scripts", language: "en", scripts: false, which: PLAIN },
  { folder: "forced-colours", language: "en", scripts: true, which: FORCED, forcedColors: "active" },
]);

await rm(FOLDER, { recursive: true, force: true });
const [server, browser] = await Promise.all([Server.start(), openBrowser()]);
for (const { folder, language, scripts, which, ...look } of WALKS) {
  const to = `${FOLDER}${folder}`;
  await mkdir(to, { recursive: true });
  await walk({
    language,
    scripts,
    person: () => Person.arrive(browser, server, { locale: locales[language], reducedMotion: "reduce", javaScriptEnabled: scripts, ...look }),
    show: async (name, page) => {
      if (!which.test(name)) return;
      for (const [screen, size] of Object.entries(SCREENS)) {
        await page.setViewportSize(size);
        for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
          await page.emulateMedia({ colorScheme });
          await page.screenshot({ path: `${to}/${name}.${screen}.${colorScheme}.png`, fullPage: true });
        }
      }
    },
  });
}
await sheets(browser, FOLDER, WALKS.map(({ folder }) => folder));
await browser.close();
await server.remove();
console.log(`The pictures are in ${FOLDER}`);
