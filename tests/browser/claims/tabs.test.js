// Several tabs of one seat are one: one stream, one conversation, one mark of what was read.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, say, texts, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** The tabs that have asked for a stream, in order. @param {import("../harness/person.js").Person} person */
function streams({ context }) {
  /** @type {Page[]} */
  const asked = [];
  context.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/stream")) asked.push(request.frame().page());
  });
  return asked;
}

claim("the tabs of a seat share one stream, and another takes over when its tab is closed", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const asked = streams(anny);
  const { two } = await meet(abhi, anny);
  await until("the first tab has its stream", () => asked.length === 1);
  const [second, third] = [await anny.tab(two.chat), await anny.tab(two.chat)];
  await say(abhi.page, "To all of you");
  for (const page of [anny.page, second, third]) await message(page, "To all of you").waitFor();
  assert.deepEqual(asked.map((page) => page === anny.page), [true], "more than one tab has a stream");

  await anny.page.close();
  await until("another tab has taken over", () => asked.length === 2);
  await say(abhi.page, "Still there?");
  for (const page of [second, third]) await message(page, "Still there?").waitFor();
  await say(third, "Yes");
  await message(second, "Yes").waitFor();
  await message(abhi.page, "Yes").waitFor();
  assert.equal(asked.length, 2);
});

claim("what one tab sends or reads, the other shows", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await setHidden(anny.page, true);
  await setHidden(second, true);
  await say(abhi.page, "Read me somewhere");
  for (const page of [anny.page, second]) await untilIs("the title", () => page.title(), "(1) Abhi · duet");
  await setHidden(second, false);
  for (const page of [anny.page, second]) await untilIs("the title", () => page.title(), "Abhi · duet");
  await untilTick(abhi.page, "Read me somewhere", "Seen");

  await say(second, "Sent in the second tab");
  await untilTick(second, "Sent in the second tab", "Seen");
  await untilTick(anny.page, "Sent in the second tab", "Seen");
  assert.deepEqual(await texts(anny.page), await texts(second));
});

claim("both tabs know when the connection is gone and when it is back", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectOutage();
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await anny.context.setOffline(true);
  for (const page of [anny.page, second]) await page.locator("#connection").getByText("You are offline.").waitFor();
  await say(second, "Kept for later");
  await anny.context.setOffline(false);
  await message(abhi.page, "Kept for later").waitFor();
  await message(anny.page, "Kept for later").waitFor();
  for (const page of [anny.page, second]) {
    await untilIs("the banner", () => page.locator("#connection").isVisible(), false);
    assert.deepEqual(await texts(page), ["Kept for later"]);
  }
});
