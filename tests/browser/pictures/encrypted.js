// What encryption costs, as a table: how busy a page is while it takes in and opens 5,000 messages, how long a message takes from
// one page to the other, and what the server spends on it. Plain and encrypted chats take turns.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";

import { openBrowser } from "../harness/claim.js";
import { ROOM } from "../harness/flood.js";
import { choose, downloaded, inChat } from "../harness/flows.js";
import { Person } from "../harness/person.js";
import { Server } from "../harness/server.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";
import { held, longTasks, newest, watchWork } from "../harness/work.js";

const MANY = 5_000;
const SENDS = 200;
const ROUNDS = 5;
const SENDS_PER_ROUND = 1_000;
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
const LINE = "A line of some words, number";

const [server, browser] = await Promise.all([Server.start(ROOM), openBrowser({ whole: true })]);
const KINDS = /** @type {const} */ (["plain", "encrypted"]);
const start = (/** @type {typeof KINDS[number]} */ kind) => (kind === "plain" ? Speaker.beginPlain(server.origin) : Speaker.begin(server.origin));
const median = (/** @type {number[]} */ values, part = 0.5) => [...values].sort((one, two) => one - two)[Math.floor(values.length * part)];

/** Somebody who sits at the link in a browser. @param {Speaker} speaker */
async function guest(speaker) {
  const anny = await Person.arrive(browser, server);
  await anny.page.goto(speaker.link);
  await anny.page.getByLabel("Your name").fill("Anny");
  await anny.page.getByRole("button", { name: "Enter", exact: true }).click();
  await inChat(anny.page);
  await anny.page.locator("#chat:not([data-opening])").waitFor();
  return anny;
}

/** @param {import("playwright-core").Page} page @param {() => Promise<void>} work */
async function busy(page, work) {
  await watchWork(page);
  const began = performance.now();
  await work();
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const long = await longTasks(page);
  return `${long.length} | ${long.length ? Math.round(Math.max(...long)) : "–"} | ${seconds}`;
}

console.log(`| ${MANY} messages | | tasks over 50 ms | the longest, ms | all of it, s |\n|---|---|---|---|---|`);
for (const kind of KINDS) {
  const abhi = await start(kind);
  const anny = await guest(abhi);
  const { page } = anny;
  anny.expectOutage();
  await anny.context.setOffline(true);
  await abhi.pour(Array.from({ length: MANY }, (_, at) => `${LINE} ${at + 1}`));
  const come = await busy(page, async () => {
    await anny.context.setOffline(false);
    await untilIs("what the page holds", () => held(page), MANY);
  });
  console.log(`| come in after an hour offline | ${kind} | ${come} |`);
  await page.reload();
  await page.locator("#chat:not([data-opening])").waitFor();
  const read = await busy(page, () =>
    until("all older messages", async () => {
      await page.locator("#history").evaluate((node) => (node.scrollTop = -node.scrollHeight));
      return (await held(page)) === MANY;
    }).then(() => {}),
  );
  console.log(`| are scrolled up to, 50 at a time | ${kind} | ${read} |`);
  const kept = await busy(page, async () => {
    await downloaded(page, async () => {
      await choose(page, "Download…");
      await page.getByRole("link", { name: "Download as text" }).click();
    });
  });
  console.log(`| are downloaded as text | ${kind} | ${kept} |`);
  await anny.leave();
}

/** When the newest message came into the page. @param {import("playwright-core").Page} page */
const arrivals = (page) =>
  page.evaluate(() => {
    /** @type {Map<string, number>} */
    const seen = new Map();
    Object.assign(globalThis, { seen });
    const list = /** @type {Element} */ (document.getElementById("messages"));
    new MutationObserver(() => {
      const text = list.lastElementChild?.querySelector(".text")?.textContent ?? "";
      if (!seen.has(text)) seen.set(text, Date.now());
    }).observe(list, { childList: true });
  });

const pairs = [];
for (const kind of KINDS) {
  const abhi = await start(kind);
  const anny = await guest(abhi);
  await arrivals(anny.page);
  pairs.push({ kind, abhi, anny, took: /** @type {number[]} */ ([]) });
}
for (let send = 0; send < SENDS; send++) {
  for (const { abhi, anny, took } of pairs) {
    const text = `${LINE} ${send}`;
    const began = Date.now();
    await abhi.pour([text]);
    await untilIs("the newest", () => newest(anny.page), text);
    took.push((await anny.page.evaluate((text) => /** @type {any} */ (globalThis).seen.get(text), text)) - began);
  }
}
console.log(`\n| from the press to the other page | p50, ms | p95, ms |\n|---|---|---|`);
for (const { kind, took } of pairs) console.log(`| ${kind} | ${median(took)} | ${median(took, 0.95)} |`);

/** What the server has spent so far, in milliseconds of a processor. */
async function spent() {
  const [, rest] = (await readFile(`/proc/${server.pid}/stat`, "utf8")).split(") ");
  const fields = rest.split(" ");
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

const sides = [];
for (const kind of KINDS) sides.push({ kind, abhi: await start(kind), costs: /** @type {number[]} */ ([]) });
const sealed = await sides[1].abhi.seal(randomUUID(), LINE);
for (let round = 0; round < ROUNDS; round++) {
  for (const { abhi, costs } of sides) {
    const before = await spent();
    for (let send = 0; send < SENDS_PER_ROUND; send++) await abhi.send(randomUUID(), sealed);
    costs.push((await spent()) - before);
  }
}
console.log(`\n| the server's time for a message of ${sealed.length} bytes | ms of a processor, median of ${ROUNDS} × ${SENDS_PER_ROUND} |\n|---|---|`);
for (const { kind, costs } of sides) console.log(`| ${kind} | ${(median(costs) / SENDS_PER_ROUND).toFixed(3)} |`);
await browser.close();
await server.remove();
