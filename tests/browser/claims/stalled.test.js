// Connections that stay open and pass nothing any more, as after a sleep or between Wi-Fi and a mobile network. New ones work.

import assert from "node:assert/strict";

import { claim, shareBehindProxy } from "../harness/claim.js";
import { inChat, meet, message, say, tell, texts, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

shareBehindProxy();

/** @typedef {import("playwright-core").Page} Page */

/** How soon a page is whole again that had reason to doubt: the answer it waits for, what the browser keeps of dead connections, and a loaded machine. */
const HEALED_MS = 25_000;

/** Runs `heal` and fails if that took longer than people would wait. @param {string} what @param {() => Promise<unknown>} heal */
async function soon(what, heal) {
  const began = Date.now();
  await heal();
  assert.ok(Date.now() - began < HEALED_MS, `${what} took ${Date.now() - began} ms`);
}

/** @param {Page} page */
const untilOnline = (page) => untilIs("the other person", () => page.locator("#presence").textContent(), "Online");

claim("what is written over a dead connection is sent, and the stream is back as well", async ({ person, proxy }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  const { two } = await meet(abhi, anny);
  await untilOnline(abhi.page);
  await anny.page.goto("about:blank");
  proxy.stall();
  await soon("sending", async () => {
    await say(abhi.page, "Is anybody there?");
    await untilTick(abhi.page, "Is anybody there?", "Sent");
  });
  await tell(anny, `${two.chat}/message_send`, { message: "Yes" });
  await soon("hearing", () => message(abhi.page, "Yes").waitFor());
  await tell(anny, `${two.chat}/message_send`, { message: "And here" });
  await message(abhi.page, "And here").waitFor();
  await untilIs("the texts", () => texts(abhi.page), ["Is anybody there?", "Yes", "And here"]);
});

for (const [what, wake] of /** @type {[string, (page: Page) => Promise<void>][]} */ ([
  ["is looked at again", async (page) => (await setHidden(page, true), setHidden(page, false))],
  ["goes online", (page) => page.evaluate(() => void dispatchEvent(new Event("online")))],
])) {
  claim(`a page that ${what} finds out that its stream is dead`, async ({ person, proxy }) => {
    const [abhi, anny] = [await person(), await person()];
    abhi.expectOutage();
    await abhi.page.clock.install();
    const { two } = await meet(abhi, anny);
    await untilOnline(abhi.page);
    await anny.page.goto("about:blank");
    // Long enough after the last event for doubt, and not long enough for the page to doubt by itself.
    await abhi.page.clock.runFor(6_000);
    proxy.stall();
    await soon("hearing", async () => {
      await wake(abhi.page);
      await until("the next event is heard", async () => {
        await tell(anny, `${two.chat}/typing`, {});
        return abhi.page.locator("#typing").textContent();
      });
    });
    await tell(anny, `${two.chat}/message_send`, { message: "Here I am" });
    await message(abhi.page, "Here I am").waitFor();
  });
}

claim("forty seconds without a byte are a lost connection, and another one is opened", async ({ person, proxy }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await abhi.page.clock.install();
  const { two } = await meet(abhi, anny);
  await untilOnline(abhi.page);
  await anny.page.goto("about:blank");
  /** @type {string[]} */
  const streams = [];
  abhi.page.on("request", (request) => void (request.url().includes("/stream?") && streams.push(request.url())));
  proxy.stall();
  await abhi.page.clock.runFor(42_000);
  await until("another stream", () => streams.length > 0);
  await tell(anny, `${two.chat}/message_send`, { message: "Here I am" });
  await message(abhi.page, "Here I am").waitFor();
});

claim("a stream on which nobody says anything is kept: pings tell that it lives", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  let streams = 0;
  abhi.page.on("request", (request) => void (request.url().includes("/stream?") && streams++));
  const wire = await abhi.context.newCDPSession(abhi.page);
  await wire.send("Network.enable");
  let pings = 0;
  wire.on("Network.eventSourceMessageReceived", ({ eventName }) => void (eventName === "ping" && pings++));
  await meet(abhi, anny);
  await until("three pings", () => pings >= 3);
  assert.equal(streams, 1);
  await untilOnline(abhi.page);
});

claim("a page that was offline for an hour is whole again as soon as it is online", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await abhi.page.clock.install();
  const { two } = await meet(abhi, anny);
  await untilOnline(abhi.page);
  await abhi.context.setOffline(true);
  await say(abhi.page, "From far away");
  await abhi.page.clock.runFor(3_600_000);
  await tell(anny, `${two.chat}/message_send`, { message: "Meanwhile" });
  await abhi.context.setOffline(false);
  await soon("coming back", async () => {
    await message(abhi.page, "Meanwhile").waitFor();
    await message(anny.page, "From far away").waitFor();
  });
  await untilIs("the texts", async () => (await texts(abhi.page)).sort(), ["From far away", "Meanwhile"]);
  await untilIs("the texts", () => texts(abhi.page), await texts(anny.page));
});

claim("who was replaced while away is told so in every tab", async ({ person, proxy }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  for (const one of [abhi, anny]) one.expectOutage();
  anny.expectStatus(401);
  const { link, two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await anny.context.setOffline(true);
  proxy.cut();
  await until("Anny has left", () => abhi.page.locator("#presence").textContent(), (words) => /last seen|not here/i.test(words ?? ""));
  await tell(phone, `${new URL(link).pathname}/login/ask`, { user: "Anny" });
  await abhi.page.locator("#asks form").getByRole("button", { name: "Allow" }).click();
  await abhi.page.locator("#notices").getByText("was let in again").waitFor();
  await anny.context.setOffline(false);
  for (const page of [anny.page, second]) {
    await page.locator("#connection").getByRole("link").waitFor();
    await untilIs("the dot", () => page.locator("#presence").getAttribute("data-online"), null);
  }
});

claim("a page that slept finds out that its stream is dead, though nobody touches it", async ({ person, proxy }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await abhi.page.clock.install();
  const { two } = await meet(abhi, anny);
  await untilOnline(abhi.page);
  await anny.page.goto("about:blank");
  proxy.stall();
  // A sleep: hours pass, and each timer runs once at most.
  await abhi.page.clock.fastForward("02:00:00");
  await soon("hearing", async () => {
    await tell(anny, `${two.chat}/message_send`, { message: "Good morning" });
    await message(abhi.page, "Good morning").waitFor();
  });
});
