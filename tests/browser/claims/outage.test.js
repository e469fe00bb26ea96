// The server dies, comes back, answers nonsense; nothing is lost and nothing arrives twice.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, pour, say, texts, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const banner = (page) => page.locator("#connection");

claim("what was written while the server was away arrives once, after a reload as well", async ({ person, server }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  for (const person of [abhi, anny]) person.expectOutage();
  await say(abhi.page, "Before");
  await untilTick(abhi.page, "Before", "Seen");
  await server.kill();
  await say(abhi.page, "During");
  await say(abhi.page, "And still");
  await untilTick(abhi.page, "During", "Sending");
  await banner(abhi.page).getByText("Connection lost. Reconnecting… Your messages will be sent.").waitFor();
  await banner(abhi.page).getByRole("button", { name: "Try now" }).waitFor();
  // A reload while there is nobody to load from, and another one when there is.
  await assert.rejects(abhi.page.reload(), /ERR_CONNECTION_REFUSED/);
  await server.up();
  // The browser may still be busy with its own page about the failure.
  await until("the page loads again", () => abhi.page.goto(one.chat).then(Boolean, () => false));
  await inChat(abhi.page);
  await untilTick(abhi.page, "And still", "Seen");
  await untilIs("the texts", () => texts(anny.page), ["Before", "During", "And still"]);
  await untilIs("the texts", () => texts(abhi.page), ["Before", "During", "And still"]);
  await untilIs("the banner", () => banner(anny.page).isVisible(), false);
});

claim("a page that stays open sends by itself when the server is back, and says what came in", async ({ person, server }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  for (const person of [abhi, anny]) person.expectOutage();
  await anny.page.goto("about:blank");
  await server.kill();
  await say(abhi.page, "Written into the void");
  await banner(abhi.page).getByText("Connection lost.").waitFor();
  // What the other person writes before this page is back.
  await abhi.context.setOffline(true);
  await server.up();
  const seat = one.chat.replace(/1$/, "2");
  await pour(anny, seat, ["one", "two", "three"]);
  await abhi.context.setOffline(false);
  await banner(abhi.page).getByText("Connected. 3 messages arrived.").waitFor();
  await untilTick(abhi.page, "Written into the void", "Sent");
  await untilIs("the banner", () => banner(abhi.page).isVisible(), false);
  await untilIs("the texts", async () => (await texts(abhi.page)).sort(), ["Written into the void", "one", "three", "two"]);
});

/** In the page: counts the streams that it asks for, and those that were refused. */
function countTries() {
  const tries = { made: 0, refused: 0 };
  globalThis.EventSource = class extends EventSource {
    /** @param {string | URL} address */
    constructor(address) {
      super(address);
      tries.made += 1;
      this.addEventListener("error", () => (tries.refused += 1));
    }
  };
  Object.assign(globalThis, { tries });
}

/** @param {Page} page @returns {Promise<{ made: number, refused: number }>} */
const tries = (page) => page.evaluate(() => /** @type {any} */ (globalThis).tries);

/** A page's own waits are measured in steps of so much, and are never longer than that. */
const [STEP_MS, LONGEST_MS] = [250, 30_000];

claim("back on the network, with the server still away, the page no longer says that one is offline", async ({ person, server }) => {
  const abhi = await person();
  abhi.expectOutage();
  await meet(abhi, await person());
  await abhi.context.setOffline(true);
  await banner(abhi.page).getByText("You are offline.").waitFor();
  await abhi.page.route(`${server.origin}/**`, (route) => route.abort());
  await abhi.context.setOffline(false);
  await banner(abhi.page).getByText("Connection lost. Reconnecting").waitFor();
});

claim("\"Try now\" does not wait for the page's own next try", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(502);
  await abhi.page.clock.install();
  const { one } = await meet(abhi, anny);
  await abhi.page.route("**/stream?*", (route) => route.fulfill({ status: 502, body: "bad" }));
  await abhi.page.addInitScript(countTries);
  await abhi.page.goto(one.chat);
  await banner(abhi.page).getByText("Connection lost.").waitFor();
  // From here on the page makes no try by itself; one that was under way must not be the one that gets through.
  await abhi.page.clock.pauseAt(Date.now() + 3_600_000);
  await until("no try is under way", async () => {
    const { made, refused } = await tries(abhi.page);
    return made === refused;
  });
  await abhi.page.unroute("**/stream?*");
  const { made } = await tries(abhi.page);
  await banner(abhi.page).getByRole("button", { name: "Try now" }).click();
  await untilIs("the tries", async () => (await tries(abhi.page)).made, made + 1);
  await abhi.page.clock.resume();
  await say(anny.page, "Here again");
  await message(abhi.page, "Here again").waitFor();
});

claim("the page's own tries come further and further apart, and not two pages in step", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(502);
  const { one } = await meet(abhi, anny);
  await abhi.page.clock.install();
  await abhi.page.route("**/stream?*", (route) => route.fulfill({ status: 502, body: "bad" }));
  await abhi.page.addInitScript(countTries);
  // Dice that fall low and high by turns, which a page without dice does not notice.
  await abhi.page.addInitScript(() => {
    let thrown = 0;
    Math.random = () => (thrown++ % 2 ? 0.999 : 0);
  });
  await abhi.page.goto(one.chat);
  await banner(abhi.page).getByText("Connection lost.").waitFor();
  await abhi.page.clock.pauseAt(Date.now() + 3_600_000);
  /** How long the page waits for its next try, on its own clock. */
  const wait = async () => {
    await until("the last try has failed", () => tries(abhi.page), ({ made, refused }) => made === refused);
    const { made } = await tries(abhi.page);
    for (let waited = STEP_MS; waited <= LONGEST_MS; waited += STEP_MS) {
      await abhi.page.clock.runFor(STEP_MS);
      if ((await tries(abhi.page)).made > made) return waited;
    }
    return Infinity;
  };
  const waits = [];
  for (let turn = 0; turn < 8; turn++) waits.push(await wait());
  const steady = waits.slice(-2).sort((a, b) => a - b);
  assert.ok(Math.abs(steady[0] - 7_500) <= STEP_MS && Math.abs(steady[1] - 22_500) <= STEP_MS, `it waited ${waits.join(", ")} ms`);
});

claim("a page whose stream is deaf reads on as soon as somebody looks at it", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  // Never answered, as behind a proxy that holds everything back.
  await abhi.page.route("**/stream?*", () => {});
  await abhi.page.goto(one.chat);
  await say(anny.page, "Can you hear me?");
  await untilTick(anny.page, "Can you hear me?", "Sent");
  await setHidden(abhi.page, true);
  assert.deepEqual(await texts(abhi.page), []);
  await setHidden(abhi.page, false);
  await message(abhi.page, "Can you hear me?").waitFor();
});

claim("an answer that was lost on its way makes no second copy", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await meet(abhi, anny);
  let lost = 0;
  await abhi.page.route("**/message_send", async (route) => {
    if (lost++ > 1) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await say(abhi.page, "Only once");
  await untilTick(abhi.page, "Only once", "Seen");
  await say(abhi.page, "After it");
  await message(anny.page, "After it").waitFor();
  await untilIs("the texts", () => texts(anny.page), ["Only once", "After it"]);
  await untilIs("the texts", () => texts(abhi.page), ["Only once", "After it"]);
  assert.ok(lost > 1, "the answer was not lost at all");
});

for (const status of [500, 502]) {
  claim(`a ${status} on the stream does not silence the page`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    abhi.expectStatus(status);
    const { one } = await meet(abhi, anny);
    let refused = 0;
    await abhi.page.route("**/stream?*", (route) => (refused++ ? route.continue() : route.fulfill({ status, body: "bad" })));
    await abhi.page.goto(one.chat);
    await until("the stream was refused", () => refused);
    await say(anny.page, "Do you read me?");
    await message(abhi.page, "Do you read me?").waitFor();
    await until("the stream was asked for again", () => refused > 1);
    await say(anny.page, "And now?");
    await message(abhi.page, "And now?").waitFor();
  });
}

claim("without a network the page says so, and that it is back", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await meet(abhi, anny);
  await abhi.context.setOffline(true);
  await banner(abhi.page).getByText("You are offline.").waitFor();
  await say(abhi.page, "From under a mountain");
  await untilTick(abhi.page, "From under a mountain", "Sending");
  await abhi.context.setOffline(false);
  await banner(abhi.page).getByText("Connected.").waitFor();
  await message(anny.page, "From under a mountain").waitFor();
  await untilTick(abhi.page, "From under a mountain", "Seen");
});

claim("what the server refuses for good can be tried again or deleted", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(409);
  await meet(abhi, anny);
  let full = true;
  await abhi.page.route("**/message_send", (route) =>
    full
      ? route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "conflict", message: "Something else came first." } } })
      : route.continue(),
  );
  await say(abhi.page, "To be deleted");
  await untilTick(abhi.page, "To be deleted", "Not sent");
  await abhi.page.getByRole("alert").filter({ hasText: "Your message was not sent. The server did not take it." }).waitFor({ state: "attached" });
  await message(abhi.page, "To be deleted").getByRole("button", { name: "Delete" }).click();
  await untilIs("the messages", () => texts(abhi.page), []);
  await say(abhi.page, "To be sent");
  await untilTick(abhi.page, "To be sent", "Not sent");
  await abhi.page.reload();
  await inChat(abhi.page);
  await untilTick(abhi.page, "To be sent", "Not sent");
  full = false;
  await message(abhi.page, "To be sent").getByRole("button", { name: "Retry" }).click();
  await untilTick(abhi.page, "To be sent", "Seen");
  await untilIs("the texts", () => texts(anny.page), ["To be sent"]);
});

claim("while the page hears nothing itself, it does not say that the other person is there", async ({ person, server }) => {
  const [abhi, anny] = [await person(), await person()];
  for (const person of [abhi, anny]) person.expectOutage();
  await meet(abhi, anny);
  const presence = abhi.page.locator("#presence");
  await untilIs("the other person", () => presence.textContent(), "Online");
  await server.kill();
  await untilIs("the other person", () => presence.textContent(), "Connecting…");
  await untilIs("the dot", () => presence.getAttribute("data-online"), null);
  await server.up();
  await untilIs("the other person", () => presence.textContent(), "Online");
  await untilIs("the dot", () => presence.getAttribute("data-online"), "");
});
