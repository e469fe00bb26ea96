// Every way between the states that connection.js draws. What leads from "live" to "quiet" and on to "lost" and back is claimed in
// stalled.test.js and outage.test.js, the way back from "session" in tabs.test.js.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, say, tell, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Route} Route */
/** @typedef {import("../harness/person.js").Person} Person */

/** @param {Page} page */
const untilLive = (page) => until("the page is live", () => page.locator("#presence").textContent(), (words) => words === "Online");

/** What asks for this gets no answer until it is let go. @param {Page} page @param {string} what */
async function holdBack(page, what) {
  /** @type {Route[]} */
  const held = [];
  await page.route(what, (route) => void held.push(route));
  return { held, letGo: () => page.unroute(what).then(() => Promise.all(held.map((route) => route.continue().catch(() => {})))) };
}

/**
 * How a page comes to a state, and what makes it look again where it does not by itself.
 * @type {Record<string, (person: Person, elsewhere: () => Promise<unknown>) => Promise<() => Promise<unknown>>>}
 */
const STATES = {
  connecting: async ({ page }) => {
    await holdBack(page, "**/stream?*");
    await page.reload();
    await inChat(page);
    await page.getByText("Connecting…").waitFor();
    return () => setHidden(page, false);
  },
  live: async ({ page }) => {
    await untilLive(page);
    return async () => {};
  },
  quiet: async ({ page }) => {
    await untilLive(page);
    const { held, letGo } = await holdBack(page, "**/messages?*");
    // Nothing was heard for so long, by its own clock: it asks.
    await page.clock.runFor(21_000);
    await until("the page asks", () => held.length > 0);
    return letGo;
  },
  lost: async ({ context, page }) => {
    await untilLive(page);
    await context.setOffline(true);
    await page.locator("#connection").getByText("You are offline.").waitFor();
    return () => context.setOffline(false);
  },
  session: async ({ page }, logOut) => {
    await untilLive(page);
    await logOut();
    await page.getByText("You are not logged in here any more.").waitFor();
    return () => setHidden(page, false);
  },
};

for (const [from, reach] of Object.entries(STATES)) {
  for (const to of ["session", "over"].filter((to) => to !== from)) {
    claim(`a page that is "${from}" finds out that its ${to === "over" ? "chat is over" : "session has ended"}`, async ({ person }) => {
      const [abhi, anny, phone] = [await person(), await person(), await person()];
      anny.expectOutage();
      for (const one of [abhi, anny, phone]) one.expectStatus(401, 410);
      const { link, two } = await meet(abhi, anny);
      await tell(phone, `${new URL(link).pathname}/login`, { user: "Anny", returnCode: two.code });
      const logOut = async () => {
        const { sessions } = await tell(phone, `${two.chat}/sessions`);
        const other = sessions.find((/** @type {{ current: boolean }} */ { current }) => !current);
        await tell(phone, `${two.chat}/sessions/end`, { id: other.id });
      };
      if (from === "quiet") {
        await anny.page.clock.install();
        await anny.page.reload();
        await inChat(anny.page);
      }
      const look = await reach(anny, logOut);
      if (to === "over") await tell(phone, `${two.chat}/endchat`, {});
      else await logOut();
      await look();
      if (to === "over") await anny.page.waitForURL(/register\?ended/);
      else await anny.page.getByText("You are not logged in here any more.").waitFor();
    });
  }
}

for (const [what, answer] of /** @type {[string, (route: Route) => unknown][]} */ ([
  ["refused", (route) => route.fulfill({ status: 502, body: "Bad gateway" })],
  ["not answered", () => {}],
])) {
  claim(`a first stream that is ${what} is a lost connection, and the next one makes good for it`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    anny.expectStatus(502);
    anny.expectOutage();
    const { two } = await meet(abhi, anny);
    await anny.page.route("**/stream?*", answer);
    await anny.page.reload();
    await inChat(anny.page);
    await anny.page.getByText("Connection lost. Reconnecting…").waitFor();
    // What is sent has an answer all the same.
    await say(anny.page, "Do you hear me?");
    await message(abhi.page, "Do you hear me?").waitFor();
    await tell(abhi, `${two.chat.replace(/2$/, "1")}/message_send`, { message: "Yes" });
    await anny.page.unroute("**/stream?*");
    await message(anny.page, "Yes").waitFor();
    await untilLive(anny.page);
    await untilTick(anny.page, "Do you hear me?", "Seen");
  });
}

claim("a tab that the browser freezes and thaws has missed nothing", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  const wire = await anny.context.newCDPSession(anny.page);
  await wire.send("Page.setWebLifecycleState", { state: "frozen" });
  await say(abhi.page, "While you slept");
  await message(second, "While you slept").waitFor();
  await wire.send("Page.setWebLifecycleState", { state: "active" });
  await message(anny.page, "While you slept").waitFor();
  await say(anny.page, "Awake");
  for (const page of [abhi.page, second]) await message(page, "Awake").waitFor();
  await untilIs("the banner", () => anny.page.locator("#connection").isVisible(), false);
});

/** Runs in the page: what stands under the other person's name in the moment in which the banner says something. */
function watchHead() {
  Object.assign(globalThis, { heads: [] });
  const banner = /** @type {HTMLElement} */ (document.getElementById("connection"));
  new MutationObserver(() => {
    if (!banner.hidden) /** @type {any} */ (globalThis).heads.push(document.getElementById("presence")?.textContent);
  }).observe(banner, { attributes: true, childList: true, subtree: true });
}

claim("whoever is logged out is not told for another moment that the other person is online", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(401);
  const { two } = await meet(abhi, anny);
  const { page } = anny;
  await untilLive(page);
  await page.evaluate(watchHead);
  const { sessions } = await tell(anny, `${two.chat}/sessions`);
  await tell(anny, `${two.chat}/sessions/end`, { id: sessions[0].id });
  await page.getByText("You are not logged in here any more.").waitFor();
  const heads = await page.evaluate(() => /** @type {any} */ (globalThis).heads);
  assert.deepEqual([...new Set(heads)], ["Status unavailable"]);
});
