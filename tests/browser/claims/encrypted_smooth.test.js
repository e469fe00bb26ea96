// A conversation of thousands that is encrypted: a page that takes it in can be used meanwhile.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { ROOM } from "../harness/flood.js";
import { enter } from "../harness/flows.js";
import { Speaker } from "../harness/speaker.js";
import { untilIs } from "../harness/until.js";
import { held, longTasks, newest, watchWork } from "../harness/work.js";

share(ROOM);

const MANY = 5_000;
/** A page takes in so many at a stretch. */
const SLICE_LEN = 25;

claim("five thousand messages that come in after an hour offline are opened a few at a time, and in order", async ({ person, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  anny.expectOutage();
  await enter(anny, abhi.link);
  await anny.context.setOffline(true);
  await abhi.pour(Array.from({ length: MANY }, (_, at) => `line ${at + 1}`));
  await watchWork(page);
  await anny.context.setOffline(false);
  await untilIs("what the page holds", () => held(page), MANY);
  assert.equal(await newest(page), `line ${MANY}`);
  assert.equal(await page.locator(".note, .closed").count(), 0);
  // A machine that is busy with other things can make any task long, but not every one.
  const long = await longTasks(page);
  assert.ok(long.length < MANY / SLICE_LEN / 4, `${long.length} long tasks, the longest of ${Math.max(...long)} ms`);
});
