// A conversation of thousands of messages stays smooth.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";

import { claim, share } from "../harness/claim.js";
import { meet, message, say } from "../harness/flows.js";
import { until } from "../harness/until.js";

share({ DUET_LIMITS__SENDS_PER_SEAT_BURST: "10000" });

const COUNT = 5_000;
const LONG_TASK_MS = 50;
/** Sent at once. */
const LANES = 50;

/** The longest task of a page's main thread, in milliseconds of its own work: what else the machine does is not counted. @param {Buffer} trace */
function longestTask(trace) {
  /** @type {{ name: string, ph: string, pid: number, tid: number, tdur?: number, args: any }[]} */
  const events = JSON.parse(trace.toString()).traceEvents;
  const main = new Set(events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(({ pid, tid }) => `${pid}.${tid}`));
  const tasks = events.filter(({ name, pid, tid, tdur }) => name === "RunTask" && tdur !== undefined && main.has(`${pid}.${tid}`));
  assert.ok(tasks.length > 0, "the trace tells nothing");
  return Math.max(...tasks.map(({ tdur }) => (tdur ?? 0) / 1000));
}

claim("5,000 messages on the page stay smooth while one arrives", async ({ browser, person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await anny.page.goto("about:blank");
  const post = async (/** @type {string} */ text) => {
    const answer = await abhi.context.request.post(`${one.chat}/message_send`, { data: { message: text }, headers: { Accept: "application/json" } });
    assert.ok(answer.ok(), await answer.text());
  };
  for (let from = 0; from < COUNT; from += LANES) await Promise.all(Array.from({ length: LANES }, (_, index) => post(`message ${from + index}`)));
  await anny.page.goto(two.chat);
  await until("all are on the page", () =>
    anny.page.evaluate((count) => {
      document.getElementById("older")?.click();
      return document.querySelectorAll("#messages > .message").length === count;
    }, COUNT),
  );
  const path = `${tmpdir()}/duet-trace-${process.pid}.json`;
  await browser.startTracing(anny.page, { path, categories: ["toplevel", "__metadata"] });
  await say(abhi.page, "One more");
  await message(anny.page, "One more").waitFor();
  await say(abhi.page, "And another");
  await message(anny.page, "And another").waitFor();
  await browser.stopTracing();
  const longest = longestTask(await readFile(path));
  console.log(`the longest task while a message arrives below ${COUNT} others: ${longest.toFixed(1)} ms`);
  assert.ok(longest < LONG_TASK_MS, `${longest} ms`);
});
