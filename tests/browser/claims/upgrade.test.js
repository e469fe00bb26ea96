// A page that is older than the server: the scripts that it has not fetched yet are gone.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { installClock } from "../harness/clock.js";
import { begin, choose, downloaded, knock, meet, message, say, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

shareBehindRelay();

/** @typedef {import("playwright-core").Page} Page */

/** Asks to be let in as Anny. @param {import("../harness/person.js").Person} phone @param {string} link */
async function ask(phone, link) {
  phone.expectStatus(409);
  await knock(phone.page, link, "Anny");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
}

/** @param {Page} page */
const wish = (page) => page.locator("#asks form").getByText("Someone wants to enter as Anny");

/** Stays on a page until it has these scripts, then takes them from the server. @param {Page} page @param {import("../harness/relay.js").Relay} relay @param {string[]} scripts */
async function upgrade(page, relay, scripts) {
  /** @type {Set<string>} */
  const fetched = new Set();
  page.on("requestfinished", (request) => fetched.add(new URL(request.url()).pathname.split("/").at(-1) ?? ""));
  await page.clock.runFor("01:01");
  for (const script of scripts) await until(`${script} is fetched`, () => fetched.has(script));
  relay.change = ({ path }, answer) => {
    if (scripts.some((script) => path.includes(`/${script}`))) Object.assign(answer, { status: 404, headers: {}, body: "" });
  };
}

claim("a page that was opened a minute before an upgrade shows who asks", async ({ person, relay }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  const { page } = abhi;
  // Her page is younger, and is loaded again.
  anny.expectStatus(404);
  await installClock(page);
  const { link } = await meet(abhi, anny);
  await upgrade(page, relay, ["asks.js", "chime.js"]);
  await page.evaluate(() => Object.assign(window, { isSame: true }));
  await ask(phone, link);
  await wish(page).waitFor();
  assert.ok(await page.evaluate(() => "isSame" in window), "the page was loaded again");
  await page.locator("#asks form").getByRole("button", { name: "Refuse" }).click();
  await phone.page.getByRole("heading", { name: "You were not let in" }).waitFor();
  await untilIs("the banner", () => page.locator("#asks form").count(), 0);
});

claim("a page of an encrypted chat that was opened a minute before an upgrade downloads the conversation", async ({ person, relay }) => {
  const abhi = await person();
  const { page } = abhi;
  await installClock(page);
  await begin(abhi);
  await say(page, "Keep this");
  await untilTick(page, "Keep this", "Sent");
  await upgrade(page, relay, ["save.js"]);
  const file = await downloaded(page, async () => {
    await choose(page, "Download…");
    await page.getByRole("link", { name: "Download as text" }).click();
  });
  assert.match(file, /Keep this/);
});

claim("a page that cannot load what shows who asks is loaded again, once, and keeps a draft and what was not sent", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  const { page } = abhi;
  abhi.expectStatus(404, 409);
  const { link } = await meet(abhi, anny);
  let [tried, loaded, questions] = [0, 0, 0];
  await page.route("**/asks.js", (route) => (tried++, route.fulfill({ status: 404 })));
  await page.route("**/message_send", (route) => route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "" } } }));
  page.on("load", () => void loaded++);
  page.on("dialog", (dialog) => (questions++, void dialog.accept()));
  await say(page, "Too much");
  await untilTick(page, "Too much", "Not sent");
  const field = page.getByLabel("Message", { exact: true });
  await field.fill("A draft");
  await ask(phone, link);
  await wish(page).waitFor();
  await untilIs("the draft", () => field.inputValue(), "A draft");
  await untilTick(page, "Too much", "Not sent");
  await untilIs("the tries", () => tried, 2);
  await say(anny.page, "Who is that?");
  await message(page, "Who is that?").waitFor();
  assert.deepEqual([loaded, questions], [1, 0]);
  await page.locator("#asks form").getByRole("button", { name: "Refuse" }).click();
  await phone.page.getByRole("heading", { name: "You were not let in" }).waitFor();
  await page.locator("#notices p").first().waitFor();
  assert.equal(questions, 0);
});

claim("a page of 0.1.0 leaves its unsent messages to the page that takes its place", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  const { one } = await meet(abhi, anny);
  await page.evaluate((chat) => {
    const item = (/** @type {string} */ text) => ({ id: crypto.randomUUID(), text, at: Date.now() });
    sessionStorage.setItem(`duet:outbox:${chat}`, JSON.stringify([{ ...item("Refused"), failed: true }, item("Waiting")]));
  }, one.chat);
  await page.reload();
  await message(anny.page, "Waiting").waitFor();
  await untilTick(page, "Refused", "Not sent");
  await message(page, "Refused").getByRole("button", { name: "Retry" }).click();
  await message(anny.page, "Refused").waitFor();
  await untilIs("what is kept", () => page.evaluate((chat) => sessionStorage.getItem(`duet:outbox:${chat}`), one.chat), null);
});
