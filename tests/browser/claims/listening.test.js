// What somebody meets who listens instead of looks.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, pour, say, tell, texts, untilTick } from "../harness/flows.js";
import { listen } from "../harness/live.js";
import { until, untilIs } from "../harness/until.js";

share();

claim("an arriving message is announced once; the history and one's own are not", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const ears = await listen(anny);
  const { two } = await meet(abhi, anny);
  await say(abhi.page, "first");
  await message(anny.page, "first").waitFor();
  await say(anny.page, "my own");
  await untilTick(anny.page, "my own", "Seen");
  await say(abhi.page, "second");
  await message(anny.page, "second").waitFor();
  const announced = () => ears.heard.filter((words) => /first|second|my own|message/.test(words));
  await until("the second one is announced", announced, (words) => words.some((one) => one.includes("second")));
  assert.deepEqual(announced(), ["Abhi: first", "Abhi: second"]);

  ears.heard.length = 0;
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await untilIs("the number of texts", async () => (await texts(anny.page)).length, 3);
  await say(abhi.page, "third");
  await until("the third one is announced", () => ears.heard, (words) => words.includes("Abhi: third"));
  assert.deepEqual(ears.heard.filter((words) => /first|second|my own/.test(words)), []);
});

claim("a burst is told as a number, and the visible list is not live", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const ears = await listen(anny);
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 30 }, (_, index) => `burst ${index}`));
  const count = (/** @type {string[]} */ words) =>
    words.reduce((sum, one) => sum + (one.startsWith("Abhi: ") ? 1 : Number(/^(\d+) new messages? from Abhi$/.exec(one)?.[1] ?? 0)), 0);
  await until("all are told", () => ears.heard, (words) => count(words) === 30);
  assert.ok(ears.heard.some((words) => /^\d+ new messages from Abhi$/.test(words)), ears.heard.join(", "));
  const list = await anny.page.locator("#messages").evaluate((node) => node.closest("[aria-live], [role=log], [role=status]"));
  assert.equal(list, null);
});

claim("an arriving message leaves the focus where it is", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  for (const [place, selector] of [["the list", "#history"], ["the menu", "#menu summary"], ["the field", "#message"]]) {
    await anny.page.locator(selector).focus();
    await say(abhi.page, `while you are at ${place}`);
    await message(anny.page, place).waitFor();
    assert.ok(await anny.page.locator(selector).evaluate((node) => node === document.activeElement), `it left ${place}`);
  }
});

claim("typing is said once for a stretch of it, and being offline and back as well", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const ears = await listen(anny);
  anny.expectOutage();
  await meet(abhi, anny);
  const field = abhi.page.getByLabel("Message", { exact: true });
  const typed = () => ears.heard.filter((words) => words === "Abhi is typing").length;
  await until("typing is said", async () => {
    await field.pressSequentially("x");
    return typed();
  });
  const written = (await field.inputValue()).length;
  await until("a little more is typed", async () => {
    await field.pressSequentially("y");
    return (await field.inputValue()).length > written + 20;
  });
  assert.equal(typed(), 1);
  await anny.context.setOffline(true);
  await until("offline is said", () => ears.heard, (words) => words.some((one) => one.startsWith("You are offline.")));
  await anny.context.setOffline(false);
  await until("being back is said", () => ears.heard, (words) => words.some((one) => one.startsWith("Connected.")));
});

claim("a message that is not sent interrupts, and nothing else in a conversation does", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const ears = await listen(abhi);
  abhi.expectOutage();
  abhi.expectStatus(409);
  const { two } = await meet(abhi, anny);
  await say(anny.page, "a message");
  await message(abhi.page, "a message").waitFor();
  await until("typing is said", async () => {
    await tell(anny, `${two.chat}/typing`, {});
    return ears.heard.includes("Anny is typing");
  });
  await abhi.context.setOffline(true);
  await until("offline is said", () => ears.heard, (words) => words.some((one) => one.startsWith("You are offline.")));
  await abhi.context.setOffline(false);
  await until("being back is said", () => ears.heard, (words) => words.some((one) => one.startsWith("Connected.")));
  assert.deepEqual(ears.alarms, []);
  await abhi.page.route("**/message_send", (route) =>
    route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "The chat is full." } } }),
  );
  await say(abhi.page, "one too many");
  await untilTick(abhi.page, "one too many", "Not sent");
  await untilIs("what interrupts", () => ears.alarms, ["Your message was not sent. This chat is full. Download it and start a new one."]);
});

claim("nothing moves for those who asked for that", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ reducedMotion: "reduce" })];
  await meet(abhi, anny);
  await anny.page.evaluate(() => {
    Object.assign(globalThis, { moved: 0 });
    for (const kind of ["animationstart", "transitionrun"]) addEventListener(kind, () => /** @type {any} */ (globalThis).moved++, true);
  });
  await say(abhi.page, "Standing still");
  await message(anny.page, "Standing still").waitFor();
  await untilTick(abhi.page, "Standing still", "Seen");
  assert.equal(await anny.page.evaluate(() => /** @type {any} */ (globalThis).moved), 0);
});
