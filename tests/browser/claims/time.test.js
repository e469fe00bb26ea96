// What time does to a page, on a clock that the test moves.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { installClock } from "../harness/clock.js";
import { inChat, join, knock, meet, openMySide, register, say, tell } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

claim("a word comes ten minutes and one minute before the chat is deleted", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await installClock(abhi.page);
  const { link } = await register(abhi, { lifetime: "1 hour" });
  await openMySide(abhi);
  await join(anny, link);
  const strips = () => abhi.page.locator("#notices p").allTextContents();
  await abhi.page.clock.fastForward("49:00");
  assert.deepEqual(await strips(), []);
  await abhi.page.clock.fastForward("01:30");
  // It stays true while it stands there.
  await until("the first word", strips, ([words = "", ...more]) => !more.length && /^At .?\d\d:\d\d.? this chat is deleted\. Download it if you want to keep it\.$/.test(words));
  await abhi.page.clock.fastForward("08:45");
  await untilIs("the last word", strips, ["This chat is deleted within a minute."]);
});

claim("who asks is not shown for longer than two minutes", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  phone.expectStatus(409);
  await installClock(abhi.page);
  const { link } = await meet(abhi, anny);
  await phone.page.goto(link);
  await phone.page.getByLabel("Your name").fill("Anny");
  await phone.page.getByRole("button", { name: "Enter", exact: true }).click();
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  await abhi.page.locator("#asks form").waitFor();
  // For the server hardly any time goes by: a stream that is opened anew would tell of it again.
  await abhi.page.route("**/stream?*", () => {});
  await abhi.page.clock.runFor("02:01");
  await untilIs("the banner", () => abhi.page.locator("#asks form").count(), 0);
});

claim("typing is shown after a second and said after two, and is gone five seconds after the last sign", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await abhi.page.clock.install();
  const { two } = await meet(abhi, anny);
  const { page } = abhi;
  const shown = () => page.locator("#typing").textContent();
  const said = () => page.locator("#status").textContent();
  await untilIs("the other person", () => page.locator("#presence").textContent(), "Online");
  await page.clock.pauseAt(Date.now() + 60_000);
  const wire = await abhi.context.newCDPSession(page);
  await wire.send("Network.enable");
  const arrived = new Promise((resolve) => {
    wire.on("Network.eventSourceMessageReceived", ({ eventName }) => eventName === "typing" && resolve(eventName));
  });
  await tell(anny, `${two.chat}/typing`, {});
  await arrived;
  await page.clock.runFor(900);
  assert.equal(await shown(), "");
  await page.clock.runFor(200);
  await until("typing is shown", shown, (words) => /Anny.* is typing/.test(words ?? ""));
  assert.doesNotMatch((await said()) ?? "", /typing/);
  await page.clock.runFor(1_000);
  await until("typing is said", said, (words) => /Anny.* is typing/.test(words ?? ""));
  await page.clock.runFor(2_800);
  await until("typing is shown", shown, (words) => /Anny.* is typing/.test(words ?? ""));
  await page.clock.runFor(200);
  await untilIs("typing that has stopped", shown, "");
});

claim("a banner comes after three seconds without a connection, and not before", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectOutage();
  await abhi.page.clock.install();
  await meet(abhi, anny);
  await inChat(abhi.page);
  await abhi.page.clock.pauseAt(Date.now() + 60_000);
  await abhi.context.setOffline(true);
  await abhi.page.clock.runFor(2_500);
  assert.equal(await abhi.page.locator("#connection").isVisible(), false);
  await abhi.page.clock.runFor(1_000);
  await abhi.page.locator("#connection").getByText("You are offline.").waitFor();
});

claim("who asked ahead of a page's time is not shown for longer than is left", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  for (const one of [abhi, phone]) one.expectOutage();
  phone.expectStatus(409);
  await installClock(abhi.page);
  const { link, one } = await meet(abhi, anny);
  await knock(phone.page, link, "Anny");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  const form = abhi.page.locator("#asks form");
  await form.waitFor();
  // One whose page comes with it.
  const second = await abhi.context.newPage();
  await installClock(second, { time: Date.now() });
  await second.goto(one.chat);
  await second.locator("#asks form").waitFor();
  await untilIs("the other person", () => second.locator("#presence").textContent(), "Online");
  await abhi.context.setOffline(true);
  await second.clock.runFor("02:06");
  await untilIs("the banner", () => second.locator("#asks form").count(), 0);
});

claim("a page follows the server's clock when its own is set", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  await page.clock.install();
  await meet(abhi, anny);
  /** @type {Map<string, number>} */
  const apart = new Map();
  page.on("request", (request) => {
    if (!request.url().endsWith("/message_send")) return;
    const { data } = request.postDataJSON();
    apart.set(data.message, Math.abs(Date.parse(data.timestamp) - Date.now()));
  });
  for (const hours of [3, -30]) {
    await page.clock.setSystemTime(Date.now() + hours * 3_600_000);
    await until("a message has the time", async () => {
      await say(page, `Some ${hours} hours`);
      await page.clock.runFor(100);
      return apart.get(`Some ${hours} hours`);
    }, (apart = Infinity) => apart < 60_000);
  }
});
