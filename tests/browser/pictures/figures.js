// How fast the pages are, as a table: a first visit on a slow phone (a processor four and six times slower, 1.6 Mbit/s, 150 ms
// away), and a message that arrives below 5,000 others. Of several visits, each by a browser that has never been there, the median.

import { openBrowser } from "../harness/claim.js";
import { flood, ROOM } from "../harness/flood.js";
import { inChat, meet, register, tell } from "../harness/flows.js";
import { Person } from "../harness/person.js";
import { Server } from "../harness/server.js";
import { until, untilIs } from "../harness/until.js";
import { held, longTasks, newest, watchWork } from "../harness/work.js";

const SLOWER = [4, 6];
const VISITS = 5;
/** A page on which nothing has been busy for so long has done what it does for a visit. */
const DONE_MS = 2_000;
const NETWORK = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (0.75 * 1024 * 1024) / 8 };
const PHONE = { viewport: { width: 390, height: 844 } };
const LONG_MS = 50;
const MANY = 5_000;
const ARRIVALS = 20;

/** Runs in every page, ahead of its own scripts. */
function measure() {
  const seen = { lcp: 0, cls: 0, tbt: 0, busyUntil: 0 };
  Object.assign(globalThis, { seen });
  /** @param {string} type @param {(entry: any) => void} take */
  const observe = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  observe("largest-contentful-paint", ({ startTime }) => (seen.lcp = startTime));
  observe("layout-shift", ({ value, hadRecentInput }) => (seen.cls += hadRecentInput ? 0 : value));
  observe("longtask", ({ startTime, duration }) => {
    seen.tbt += duration - 50;
    seen.busyUntil = startTime + duration;
  });
}

const [server, browser] = await Promise.all([Server.start(ROOM), openBrowser({ whole: true })]);
const person = (options = {}) => Person.arrive(browser, server, options);

/**
 * One visit by a browser of its own.
 * @param {string} path @param {number} slower @param {import("playwright-core").Cookie[]} cookies
 */
async function visit(path, slower, cookies) {
  const fresh = await openBrowser({ whole: true });
  const { context, page } = await Person.arrive(fresh, server, PHONE);
  await context.addCookies(cookies);
  await context.addInitScript(measure);
  const wire = await context.newCDPSession(page);
  await wire.send("Network.enable");
  await wire.send("Network.emulateNetworkConditions", NETWORK);
  await wire.send("Emulation.setCPUThrottlingRate", { rate: slower });
  let bytes = 0;
  wire.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(path);
  const look = () => page.evaluate(() => ({ .../** @type {any} */ (globalThis).seen, now: performance.now() }));
  const seen = await until("painted and done", look, ({ lcp, busyUntil, now }) => lcp > 0 && now - Math.max(lcp, busyUntil) > DONE_MS);
  await fresh.close();
  return { ...seen, kib: bytes / 1024 };
}

/** A row of the table. @param {string} name @param {string} path @param {import("playwright-core").Cookie[]} [cookies] */
async function row(name, path, cookies = []) {
  const columns = [];
  for (const slower of SLOWER) {
    /** @type {any[]} */
    const visits = [];
    for (let at = 0; at < VISITS; at++) visits.push(await visit(path, slower, cookies));
    const median = (/** @type {string} */ what) => visits.map((seen) => seen[what]).sort((one, two) => one - two)[VISITS >> 1];
    if (slower === SLOWER[0]) columns.push(median("kib").toFixed(1), median("cls").toFixed(3));
    columns.push(Math.round(median("lcp")), Math.round(median("tbt")));
  }
  console.log(`| ${name} | ${columns.join(" | ")} |`);
}

const [abhi, anny] = [await person(), await person()];
const { one, two, link } = await meet(abhi, anny);
console.log(`| a first visit to | KiB | CLS | ${SLOWER.map((slower) => `LCP at ×${slower}, ms | TBT at ×${slower}, ms`).join(" | ")} |`);
console.log("|---|---|---|---|---|---|---|");
await row("the start page", "/demo/chat/register");
await row("the link", new URL(link).pathname);
for (const line of Array(30).keys()) await tell(abhi, `${one.chat}/message_send`, { message: `A line of some words, number ${line}` });
await row("the chat, with 30 messages", two.chat, await anny.context.cookies());
const alone = await person();
const { chat } = await register(alone);
await row("the chat, with nobody there", chat, await alone.context.cookies());

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
