// A conversation of thousands.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { flood, ROOM } from "../harness/flood.js";
import { join, meet, opened, tell } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";
import { held, newest, stretches, watchProcessor, watchStretches } from "../harness/work.js";

share(ROOM);

const MANY = 5_000;
const ARRIVALS = 20;
/** Several times what it takes, since processors differ. */
const COST_MAX_MS = 250;
/** A page takes messages in by lots of 200. */
const STRETCH_MAX = 250;

claim("a message that arrives below five thousand others makes the page do little", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  const { page } = anny;
  await abhi.page.goto("about:blank");
  // All of them stay unread, which is the most there is to keep in mind.
  await setHidden(page, true);
  await flood(abhi, one.chat, MANY);
  await untilIs("what the page holds", () => held(page), MANY);
  const spent = await watchProcessor(page);
  const costs = [];
  for (let arrival = 1; arrival <= ARRIVALS; arrival++) {
    const before = await spent();
    await tell(abhi, `${one.chat}/message_send`, { message: `one more: ${arrival}` });
    await untilIs("the newest", () => newest(page), `one more: ${arrival}`);
    costs.push((await spent()) - before);
  }
  const [median] = costs.sort((one, two) => one - two).slice(ARRIVALS / 2);
  console.log(`a message below ${MANY} others costs ${Math.round(median)} ms of a processor, at the median of ${ARRIVALS}`);
  assert.ok(median > 0 && median < COST_MAX_MS, `${median} ms of a processor for one message`);
  await setHidden(page, false);
  await until("all are seen", () => page.title(), (title) => title === "Abhi · duet");
});

for (const kind of ["plain", "encrypted"]) {
  claim(`five thousand ${kind} messages that come in after an hour offline are put into the page a few at a time, and in order`, async ({ person, server }) => {
    const anny = await person();
    const abhi = kind === "plain" ? await Speaker.beginPlain(server.origin) : await Speaker.begin(server.origin);
    const { page } = anny;
    anny.expectOutage();
    await join(anny, abhi.link);
    await opened(page);
    await anny.context.setOffline(true);
    await abhi.pour(Array.from({ length: MANY }, (_, at) => `line ${at + 1}`));
    await watchStretches(page);
    await anny.context.setOffline(false);
    await untilIs("what the page holds", () => held(page), MANY);
    assert.equal(await newest(page), `line ${MANY}`);
    assert.equal(await page.locator(".note, .closed").count(), 0);
    const most = Math.max(...(await stretches(page)));
    assert.ok(most > 0 && most <= STRETCH_MAX, `${most} came at once`);
  });
}
