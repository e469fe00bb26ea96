// How fast the pages are, as a table: a first visit on a slow phone (a processor four times slower, 1.6 Mbit/s, 150 ms away), and
// a message that arrives below 5,000 others.

import { openBrowser } from "../harness/claim.js";
import { flood, ROOM } from "../harness/flood.js";
import { inChat, meet, register, tell } from "../harness/flows.js";
import { Person } from "../harness/person.js";
import { Server } from "../harness/server.js";
import { until, untilIs } from "../harness/until.js";
import { held, longTasks, newest, watchWork } from "../harness/work.js";

const SLOWER = 4;
const NETWORK = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (0.75 * 1024 * 1024) / 8 };
const PHONE = { viewport: { width: 390, height: 844 } };
const LONG_MS = 50;
const MANY = 5_000;
const ARRIVALS = 20;

/** Runs in every page, ahead of its own scripts. */
function measure() {
  const seen = { lcp: 0, cls: 0, tbt: 0 };
  Object.assign(globalThis, { seen });
  /** @param {string} type @param {(entry: any) => void} take */
  const observe = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe("largest-contentful-paint", ({ startTime }) => (seen.lcp = startTime));
  observe("layout-shift", ({ value, hadRecentInput }) => (seen.cls += hadRecentInput ? 0 : value));
  observe("longtask", ({ duration }) => (seen.tbt += duration - 50));
}

const [server, browser] = await Promise.all([Server.start(ROOM), openBrowser()]);
const person = (options = {}) => Person.arrive(browser, server, options);

/** @param {string} name @param {Person} visitor @param {string} path */
async function visit(name, { context, page }, path) {
  await context.addInitScript(measure);
  const wire = await context.newCDPSession(page);
  await wire.send("Network.enable");
  await wire.send("Network.emulateNetworkConditions", NETWORK);
  await wire.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  let bytes = 0;
  wire.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(path);
  const { lcp, cls, tbt } = await until("painted", () => page.evaluate(() => /** @type {any} */ (globalThis).seen), ({ lcp }) => lcp > 0);
  console.log(`| ${name} | ${(bytes / 1024).toFixed(1)} | ${Math.round(lcp)} | ${cls.toFixed(3)} | ${Math.round(tbt)} |`);
}

const [abhi, anny] = [await person(), await person()];
const { one, link } = await meet(abhi, anny);
console.log("| a first visit to | KiB | LCP, ms | CLS | TBT, ms |\n|---|---|---|---|---|");
await visit("the start page", await person(PHONE), "/demo/chat/register");
await visit("the link", await person(PHONE), new URL(link).pathname);
for (const line of Array(30).keys()) await tell(abhi, `${one.chat}/message_send`, { message: `A line of some words, number ${line}` });
const phone = await person(PHONE);
await phone.context.addCookies((await anny.context.cookies()).map((cookie) => ({ ...cookie })));
await visit("the chat, with 30 messages", phone, one.chat.replace(/1$/, "2"));
await phone.leave();
const stranger = await person(PHONE);
const { chat } = await register(stranger);
await visit("the chat, with nobody there", stranger, chat);

await flood(abhi, one.chat, MANY - 30);
await inChat(anny.page);
await untilIs("what the page holds", () => held(anny.page), MANY);
await watchWork(anny.page);
for (const arrival of Array(ARRIVALS).keys()) {
  await tell(abhi, `${one.chat}/message_send`, { message: `one more: ${arrival}` });
  await untilIs("the newest", () => newest(anny.page), `one more: ${arrival}`);
}
const long = await longTasks(anny.page);
console.log(`\n${ARRIVALS} messages arrive below ${MANY}: ${long.length} tasks over ${LONG_MS} ms${long.length ? `, the longest ${Math.max(...long)} ms` : ""}.`);
await browser.close();
await server.remove();
