// The ways out of an encrypted chat by their own pages: the key goes when the server has said that it is done, and not before.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { begin, choose, enter, meet, message, opened, say, tell } from "../harness/flows.js";
import { remains } from "../harness/remains.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */

shareBehindRelay();

/** Whether this browser holds a key. @param {Page} page */
const holdsKey = (page) => page.evaluate(async () => (await indexedDB.databases()).some(({ name }) => name === "duet"));

/** The server is out of reach for what an address is sent. @param {import("../harness/relay.js").Relay} relay @param {string} leaf */
function fail(relay, leaf) {
  relay.change = (asked, answer) => {
    if (asked.method === "POST" && asked.path.endsWith(`/${leaf}`)) answer.status = 503;
  };
}

for (const [leaf, button, words] of [
  ["logout", "Log out", "You are logged out"],
  ["endchat", "End for both", "The chat has ended"],
]) {
  claim(`by the page of "${leaf}" the key goes with the server's answer, from other tabs as well`, async ({ person, relay }) => {
    const abhi = await person();
    abhi.expectStatus(401, 410, 503);
    const { page } = abhi;
    const { link, code, chat } = await begin(abhi);
    await say(page, "Keep this");
    const second = await abhi.tab(chat);
    await message(second, "Keep this").waitFor();
    // An answer that never comes from the server itself: nothing was done.
    await page.route(`**/${leaf}`, (route) => (route.request().method() === "POST" ? route.fulfill({ status: 503, body: "no" }) : route.continue()));
    await page.goto(`${chat}/${leaf}`);
    await page.getByRole("button", { name: button }).click();
    await page.getByText("This did not get through.").waitFor();
    await page.unrouteAll({ behavior: "wait" });
    await page.goto(chat);
    await message(page, "Keep this").waitFor();
    assert.ok(await holdsKey(page));

    await page.goto(`${chat}/${leaf}`);
    await page.getByRole("button", { name: button }).click();
    for (const tab of [page, second]) await tab.getByText(words).first().waitFor();
    await untilIs("what is left", () => remains(abhi), []);
    relay.relent();
    if (leaf === "endchat") return;
    await page.goto(link);
    await page.getByLabel("Your name").fill("Abhi");
    await page.getByText("I have a code").click();
    await page.getByLabel("Return code").fill(code);
    await page.getByRole("button", { name: "Enter", exact: true }).click();
    await opened(page);
    await message(page, "Keep this").waitFor();
  });
}

claim("old news of a logout, from a tab that was frozen, ends nothing where one has logged in again", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  const { chat } = await begin(abhi);
  const second = await abhi.tab(chat);
  await opened(second);
  const asked = [page, second].map((tab) => tab.waitForResponse((answer) => answer.url().endsWith("/sessions")));
  await page.evaluate((name) => new BroadcastChannel(name).postMessage({ word: "out" }), `duet:${chat}`);
  for (const answer of await Promise.all(asked)) assert.equal(answer.status(), 200);
  await say(page, "Still here");
  for (const tab of [page, second]) await message(tab, "Still here").waitFor();
  await say(second, "So am I");
  await message(page, "So am I").waitFor();
  assert.ok(await holdsKey(page));
});

for (const [what, status] of /** @type {const} */ ([["no network", 0], ["a server that is away", 503]])) {
  claim(`a tab that hears of a logout and meets ${what} leaves the chat as soon as there is an answer`, async ({ person }) => {
    const abhi = await person();
    abhi.expectOutage();
    abhi.expectStatus(401, 503);
    const { page } = abhi;
    const { chat } = await begin(abhi);
    await say(page, "Nobody else's business");
    const second = await abhi.tab(chat);
    await message(second, "Nobody else's business").waitFor();
    let asked = 0;
    // Like one that was frozen, and hears of it ahead of the network.
    await second.route("**/1/*", async (route) => {
      await (status ? route.fulfill({ status }) : route.abort());
      asked += Number(route.request().url().endsWith("/sessions"));
    });
    await choose(page, "Log out");
    await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are logged out").first().waitFor();
    // Of the page that logs out, and of the one that it leads to.
    await until("it has heard it twice", () => asked > 1);
    await second.unrouteAll({ behavior: "wait" });
    await second.getByText("You are logged out").first().waitFor();
    await untilIs("what is left", () => remains({ context: abhi.context, page: second }), []);
  });
}

claim("an answer of an error keeps the key, whatever the error says", async ({ person, relay }) => {
  const abhi = await person();
  abhi.expectStatus(401, 503);
  const { page } = abhi;
  const { chat } = await begin(abhi);
  fail(relay, "logout");
  await page.goto(`${chat}/logout`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("This did not get through.").waitFor();
  relay.relent();
  await untilIs("the key", () => page.goto("/").then(() => holdsKey(page), () => undefined), true);
});

claim("the page that logs out of a session that is over already takes the key as well", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(401);
  const { page } = abhi;
  const { link, chat } = await begin(abhi);
  await enter(anny, link);
  await page.goto(`${chat}/logout`);
  const { sessions } = await tell(abhi, `${chat}/sessions`);
  await tell(abhi, `${chat}/sessions/end`, { id: sessions[0].id });
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out").first().waitFor();
  await untilIs("the key", () => holdsKey(page), false);
});

claim("a plain chat's ways out load nothing of encrypted chats", async ({ person, relay }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  const { chat } = (await meet(abhi, anny)).one;
  const from = relay.asked.length;
  for (const leaf of ["", "/logout", "/endchat", "/sessions", "/device"]) {
    await page.goto(`${chat}${leaf}`);
    await page.waitForLoadState("load");
  }
  const loaded = relay.asked.slice(from).map(({ path }) => path.split("/").at(-1));
  assert.ok(!loaded.includes("vault.js"), loaded.join(" "));
});
