// What the server refuses for a moment, and what is not the server's answer at all: it is asked for again, and nothing is left out.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { inChat, knock, letIn, meet, message, pour, say, texts, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

shareBehindRelay({ whole: true });

/** @typedef {import("../harness/relay.js").Relay} Relay */
/** @typedef {{ headers: Record<string, string>, data: object }} Refusal a 503 */

/** The server's own, while its store is away. @type {Refusal} */
const SERVER = { headers: { "retry-after": "1" }, data: { data: { status: "FAIL", code: 503, error: "unavailable", message: "Try again." } } };
/** @type {[string, Refusal][]} */
const REFUSALS = [
  ["the server", SERVER],
  ["a gateway ahead of it", { headers: {}, data: { message: "no healthy upstream" } }],
];

/**
 * Refuses the first requests for an address. Answers with how many came.
 * @param {Relay} relay @param {string} address @param {number} times @param {Refusal} refusal
 */
function refuse(relay, address, times, { headers, data }) {
  let asked = 0;
  relay.change = ({ path }, answer) => {
    if (!path.includes(address) || asked++ >= times) return;
    Object.assign(answer, { status: 503, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(data) });
  };
  return () => asked;
}

for (const [whose, refusal] of REFUSALS) {
  claim(`a message that comes ahead of another waits for it while ${whose} refuses the history`, async ({ person, relay }) => {
    const [abhi, anny] = [await person(), await person()];
    anny.expectStatus(503);
    const { one, two } = await meet(abhi, anny);
    await say(abhi.page, "zero");
    await untilTick(abhi.page, "zero", "Seen");
    const asked = refuse(relay, `${two.chat}/messages?after=`, 2, refusal);
    relay.event = (name, data) => (name === "message" && data.message === "first" ? [] : [[name, data]]);
    await pour(abhi, one.chat, ["first", "second"]);
    await until("the history is asked for", asked, (times) => times > 2);
    await untilIs("the texts", () => texts(anny.page), ["zero", "first", "second"]);
  });

  claim(`older messages that ${whose} refuses are asked for again`, async ({ person, relay }) => {
    const [abhi, anny] = [await person(), await person()];
    anny.expectStatus(503);
    const { one, two } = await meet(abhi, anny);
    const lines = Array.from({ length: 60 }, (_, at) => `line ${at + 1}.`);
    await pour(abhi, one.chat, lines);
    refuse(relay, `${two.chat}/messages?before=`, 2, refusal);
    await anny.page.goto(two.chat);
    await inChat(anny.page);
    await until("all of it", async () => {
      await anny.page.locator("#history").hover();
      await anny.page.mouse.wheel(0, -2_000);
      return texts(anny.page);
    }, (seen) => seen.join() === lines.join());
  });

  claim(`that a message was seen is told again when ${whose} refuses it`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    anny.expectStatus(503);
    await meet(abhi, anny);
    let asked = 0;
    // Before it gets to the server.
    await anny.page.route("**/receipt", (route) => (asked++ < 4 ? route.fulfill({ status: 503, headers: refusal.headers, json: refusal.data }) : route.continue()));
    await say(abhi.page, "seen at once");
    await message(anny.page, "seen at once").waitFor();
    await untilTick(abhi.page, "seen at once", "Seen");
  });
}

claim("what a proxy answers in the server's place does not pass for a message that is stored", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  let asked = 0;
  await abhi.page.route("**/message_send", (route) => (asked++ ? route.continue() : route.fulfill({ status: 200, json: { portal: "log in" } })));
  await say(abhi.page, "through the portal");
  await untilTick(abhi.page, "through the portal", "Seen");
});

claim("who waits at the door is let in though an answer never comes", async ({ person }) => {
  const [abhi, anny, newcomer] = [await person(), await person(), await person()];
  for (const one of [abhi, newcomer]) one.expectStatus(409);
  const { link } = await meet(abhi, anny);
  await anny.page.goto("about:blank");
  let held = 0;
  await newcomer.page.route("**/login/ask/*", async (route) => {
    if (route.request().resourceType() === "fetch" && !held++) return;
    await route.fallback();
  });
  newcomer.expectOutage();
  await knock(newcomer.page, link, "Anny");
  await newcomer.page.getByRole("button", { name: "Ask to be let in" }).click();
  await until("an answer is waited for", () => held);
  await letIn(abhi.page, newcomer.page);
});

claim("what was stored long ago, though nobody said so, stands in its place and nowhere else", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  abhi.expectOutage();
  abhi.page.on("dialog", (dialog) => dialog.accept());
  // Everything arrives at the server and no answer comes back.
  const cut = ["**/stream?*", "**/messages?*", "**/message_send"];
  let stored = 0;
  for (const address of cut) {
    await abhi.page.route(address, async (route) => {
      if (address.endsWith("send")) await route.fetch().then(() => stored++);
      await route.abort();
    });
  }
  await abhi.page.reload();
  await inChat(abhi.page);
  await say(abhi.page, "lost its answer");
  await until("it is stored", () => stored);
  await abhi.page.goto("about:blank");
  await pour(anny, one.chat.replace(/1$/, "2"), Array.from({ length: 60 }, (_, at) => `line ${at + 1}.`));
  for (const address of cut) await abhi.page.unroute(address);
  await abhi.page.goto(one.chat);
  await inChat(abhi.page);
  // The page that was left may be kept for the Back button a while, and with it what it wrote.
  await until("it is told that it is stored", () => abhi.page.evaluate(() => !("duet:outbox:" + location.pathname in sessionStorage)));
  await say(anny.page, "the newest");
  await message(abhi.page, "the newest").waitFor();
  await untilIs("the newest message", async () => (await texts(abhi.page)).at(-1), "the newest");
  await until("older ones", async () => {
    await abhi.page.locator("#history").hover();
    await abhi.page.mouse.wheel(0, -2_000);
    return (await texts(abhi.page))[0] === "lost its answer";
  });
  await untilIs("the places of it", () => message(abhi.page, "lost its answer").count(), 1);
});

/** Runs in every page, ahead of its own scripts: how long its timers are to run. */
function keepTimers() {
  /** @type {number[]} */
  const timers = [];
  const set = /** @type {any} */ (setTimeout);
  Object.assign(globalThis, { timers, setTimeout: (/** @type {any[]} */ ...given) => (timers.push(given[1] ?? 0), set(...given)) });
}

claim("a refusal that names a time far away, or none at all, is asked for again within a minute", async ({ person, relay }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  abhi.expectStatus(503);
  await page.clock.install();
  await page.addInitScript(keepTimers);
  const { one } = await meet(abhi, anny);
  for (const after of ["99999999", "-5", "Wed, 21 Oct 2048 07:28:00 GMT"]) {
    const asked = refuse(relay, `${one.chat}/message_send`, 1, { ...SERVER, headers: { "retry-after": after } });
    await say(page, `after ${after}`);
    await until("it is asked for", asked);
    await until("it is sent", async () => {
      await page.clock.fastForward("01:00");
      return message(page, `after ${after}`).and(page.locator('[data-state="sent"], [data-state="seen"], [data-state="delivered"]')).count();
    });
  }
  // Browsers take neither for a time, and go on at once.
  const wrong = await page.evaluate(() => /** @type {any} */ (globalThis).timers.filter((/** @type {number} */ ms) => ms < 0 || ms >= 2 ** 31));
  assert.deepEqual(wrong, []);
});
