// The moving picture of the README, made from the real thing: two browsers meet, talk, and end their chat. `docs/screenshots/talk.png`.

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openBrowser } from "../harness/claim.js";
import { choose, meetByForms, message, saveCode, untilTick } from "../harness/flows.js";
import { settle } from "../harness/look.js";
import { Person } from "../harness/person.js";
import { people } from "../harness/samples.js";
import { Server } from "../harness/server.js";

/** @typedef {import("playwright-core").Page} Page */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PYTHON = process.env.PICTURES_PYTHON ?? join(HERE, "../../../target/pictures/bin/python");
const OUT = join(HERE, "../../../docs/screenshots/talk.png");
const SCALE = 1.5;
const PHONE = { viewport: { width: 340, height: 560 }, deviceScaleFactor: SCALE, colorScheme: /** @type {const} */ ("light") };
const DESKTOP = { viewport: { width: 560, height: 480 }, deviceScaleFactor: SCALE, colorScheme: /** @type {const} */ ("dark") };
/** Who says what, in the pieces in which it is typed. @type {[1 | 2, string[]][]} */
const TALK = [
  [2, ["Hi! That was ", "easier than I ", "thought 🙂"]],
  [1, ["Told you. ", "What is the ", "door code?"]],
  [2, ["It is ", "`7411`. ", "Burn after reading!"]],
];
const TYPED_MS = 260;
const READ_MS = 1_300;
const SHOWN_MS = 2_600;

const folder = await mkdtemp(join(tmpdir(), "duet-moving-"));
const [server, browser] = await Promise.all([Server.start(), openBrowser({ whole: true })]);
const [abhi, anny] = await Promise.all([Person.arrive(browser, server, PHONE), Person.arrive(browser, server, DESKTOP)]);
const table = await browser.newPage({ viewport: { width: 980, height: 620 }, deviceScaleFactor: SCALE });
await table.setContent(`<style>
  body { margin: 0; background: #dfe7e2; }
  img { position: absolute; border-radius: 16px; box-shadow: 0 14px 40px rgb(0 0 0 / .26); }
</style>
<img id="desktop" style="left:392px;top:70px;width:${DESKTOP.viewport.width}px">
<img id="phone" style="left:24px;top:30px;width:${PHONE.viewport.width}px;border-radius:28px">`);

/** @type {{ file: string, ms: number }[]} */
const frames = [];

/** Both pages as they stand. @param {number} ms how long it is looked at */
async function frame(ms) {
  const [phone, desktop] = await Promise.all([abhi, anny].map(async ({ page }) => (await (await settle(page)).screenshot()).toString("base64")));
  await table.evaluate(
    (sources) =>
      Promise.all(
        Object.entries(sources).map(([id, source]) => {
          const image = /** @type {HTMLImageElement} */ (document.getElementById(id));
          image.src = `data:image/png;base64,${source}`;
          return image.decode();
        }),
      ),
    { phone, desktop },
  );
  const file = join(folder, `${String(frames.length).padStart(3, "0")}.png`);
  await table.screenshot({ path: file });
  frames.push({ file, ms });
}

await meetByForms(abhi, anny, { ...people.en, encrypted: true });
for (const { page } of [abhi, anny]) {
  await saveCode(page);
  await page.locator("#presence").getByText("Online").waitFor();
}
await frame(READ_MS);
for (const [seat, pieces] of TALK) {
  const [from, to] = seat === 1 ? [abhi, anny] : [anny, abhi];
  const field = from.page.getByLabel("Message", { exact: true });
  for (const [at, piece] of pieces.entries()) {
    await field.pressSequentially(piece);
    if (at === pieces.length - 1) await to.page.locator("#typing").getByText("is typing").waitFor();
    await frame(TYPED_MS);
  }
  await field.press("Enter");
  const words = pieces[0].trim();
  await message(to.page, words).waitFor();
  await untilTick(from.page, words, "Seen");
  await to.page.locator("#typing").getByText("is typing").waitFor({ state: "hidden" });
  await frame(READ_MS);
}
await choose(abhi.page, "End the chat");
await abhi.page.getByRole("button", { name: "End for both" }).waitFor();
await frame(SHOWN_MS);
await abhi.page.getByRole("button", { name: "End for both" }).click();
for (const { page } of [abhi, anny]) await page.getByLabel("Your name").waitFor();
await frame(SHOWN_MS);

await writeFile(join(folder, "frames.json"), JSON.stringify(frames));
execFileSync(PYTHON, [join(HERE, "moving.py"), join(folder, "frames.json"), OUT], { stdio: "inherit" });
await browser.close();
await server.remove();
await rm(folder, { recursive: true });
