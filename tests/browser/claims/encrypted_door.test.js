// What follows the # at the door of an encrypted chat: it is not lost to an error, a clock that is wrong or another link.

import { claim, shareBehindRelay } from "../harness/claim.js";
import { begin, enter, message, opened, openMySide, register, say } from "../harness/flows.js";
import { installClock } from "../harness/clock.js";

/** @typedef {import("playwright-core").Page} Page */

shareBehindRelay();

/** Until it relents, the relay answers a chat's door with an error page. @param {import("../harness/relay.js").Relay} relay @param {string} link @param {number} status */
async function fail(relay, link, status) {
  const door = new URL(link).pathname;
  const body = await relay.honest(`${door}/login`, { accept: "text/html", "accept-language": "en" });
  relay.change = (asked, answer) => {
    if (asked.method === "GET" && asked.path === door) Object.assign(answer, { status, body });
  };
}

/** The scripts of a page have run. @param {Page} page */
const live = (page) => page.locator("html[data-live]").waitFor({ state: "attached" });

/** The way on that an error page offers. @param {Page} page */
const onward = (page) => page.locator(".failed").getByRole("link", { name: "Log in" });

/** @param {Page} page */
async function sitDown(page) {
  await page.getByLabel("Your name").fill("Anny");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(page);
}

for (const status of [429, 500, 503]) {
  claim(`a ${status} at the door keeps the key for a reload and for the way on`, async ({ person, relay }) => {
    const [abhi, anny] = [await person(), await person()];
    anny.expectStatus(status);
    const { page } = anny;
    const { link } = await begin(abhi);
    await fail(relay, link, status);
    await page.goto(link);
    await live(page);
    await page.reload();
    await live(page);
    await onward(page).click();
    await page.waitForLoadState("load");
    await live(page);
    relay.relent();
    await onward(page).click();
    await sitDown(page);
  });
}

claim("an error at the door keeps the code for another device, of a plain chat as well", async ({ person, relay }) => {
  const [abhi, phone] = [await person(), await person()];
  phone.expectStatus(503);
  const { page } = phone;
  const { link } = await register(abhi);
  await fail(relay, link, 503);
  await page.goto(`${link}#device=a-code&user=Abhi`);
  await live(page);
  relay.relent();
  await onward(page).click();
  await page.getByRole("heading", { name: "Continue here as Abhi" }).waitFor();
});

claim("a clock that is a day ahead deletes no key of a living chat", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  await installClock(page, { time: Date.now() + 26 * 3_600_000 });
  const { chat } = await register(abhi, { encrypted: true, lifetime: "1 hour" });
  await openMySide(abhi);
  await opened(page);
  await say(page, "Still mine");
  await page.goto("/");
  await page.getByText("Only the two of you can read this.").waitFor();
  await page.goto(chat);
  await opened(page);
  await message(page, "Still mine").waitFor();
});

claim("the secret that let somebody in is not replaced by another link's, and one that has not is", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = anny;
  const { link } = await begin(abhi);
  const wrong = `${link.split("#")[0]}#v1.${"A".repeat(43)}`;
  const goOn = async (/** @type {string} */ by) => {
    await page.goto(by);
    // The secret leaves the address when it is kept.
    await page.waitForURL(({ hash }) => !hash);
    await page.getByRole("link", { name: "Continue as Anny" }).click();
    await opened(page);
  };
  await enter(anny, link);
  await goOn(wrong);
  await say(abhi.page, "Hello");
  await message(page, "Hello").waitFor();
  // The session stays where a browser loses what it stored.
  await page.evaluate(() => new Promise((resolve) => (indexedDB.deleteDatabase("duet").onsuccess = resolve)));
  await goOn(wrong);
  await page.getByText("This message does not open").waitFor();
  await goOn(link);
  await message(page, "Hello").waitFor();
});
