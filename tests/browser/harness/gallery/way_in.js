// Making a chat, taking a seat, and coming back to it.

import { installClock } from "../clock.js";
import { choosePlain } from "../flows.js";
import { people } from "../samples.js";
import { until } from "../until.js";
import { press, submit } from "./steps.js";

/** @typedef {import("./steps.js").Walk} Walk */
/** @typedef {import("./steps.js").At} At */

/** Making a chat, and what can go wrong with it. @param {Walk} walk */
export async function beginning({ person, language, show }) {
  const abhi = await person();
  abhi.expectStatus(400);
  const { page } = abhi;
  const { you, peer } = people[language];
  await page.goto("/");
  await show("register", page);
  await submit(page, { "user-one": you, "user-two": you.toUpperCase() });
  await show("register-problem", page);
  await page.goto("/demo/chat/register?ended");
  await show("register-ended", page);
  await page.goto("/demo/chat/register?loggedout");
  await show("register-logged-out", page);
  await page.goto("/");
  await choosePlain(page);
  await submit(page, { "user-one": you, "user-two": peer });
  await show("invite", page);
  const chat = new URL(page.url()).pathname.replace(/\/invite$/, "");
  await page.goto(chat);
  await show("chat-nobody-yet", page);
  return { abhi, chat, link: chat.replace(/\/1$/, "") };
}

/** Taking a seat. @param {Walk} walk @param {string} link */
export async function entering({ person, language, show }, link) {
  const anny = await person();
  anny.expectStatus(403);
  const { page } = anny;
  const { peer, stranger } = people[language];
  await page.goto(link);
  await show("login", page);
  await submit(page, { user: stranger });
  await show("login-wrong-name", page);
  await submit(page, { user: peer });
  await show("chat-return-code", page);
  const second = await anny.tab(link);
  await show("login-continue", second);
  await second.close();
  return anny;
}

/** Coming back to a seat that is taken. Answers who sits in it afterwards. @param {Walk} walk @param {At} at */
export async function returning({ person, language, scripts, show }, { abhi, anny, chat, link }) {
  const phone = await person();
  phone.expectStatus(403, 409);
  const { page } = phone;
  const { peer } = people[language];
  const wrong = "AAAA-AAAA-AAAA-AAAA";
  await page.goto(link);
  await page.locator("details.more > summary").click();
  await submit(page, { user: peer, deviceCode: wrong });
  await show("login-wrong-device-code", page);
  await page.goto(link);
  await submit(page, { user: peer });
  await show("login-taken", page);
  await submit(page, { returnCode: wrong });
  await show("login-wrong-return-code", page);
  await press(page, "login/ask");
  await show("ask-waiting", page);
  const asked = page.url();
  await abhi.page.goto(chat);
  await abhi.page.locator("#asks form").waitFor();
  await show("chat-asked", abhi.page);
  await anny.page.goto(`${link}/2`);
  await anny.page.locator("#asks form").waitFor();
  await show("chat-asked-own", anny.page);
  await abhi.page.locator("#asks form button[value=false]").click();
  await abhi.page.locator("#notices .strip").waitFor();
  await show("chat-refused", abhi.page);
  // With scripts the page has seen it by itself.
  if (!scripts) await page.goto(asked);
  await page.locator('form[action$="/login/ask"]').waitFor();
  await show("ask-refused", page);
  if (scripts) return anny;
  await anny.page.goto("about:blank");
  await press(page, "login/ask");
  await abhi.page.goto(chat);
  await until("the other person may be let in", async () => {
    await abhi.page.goto(chat);
    const allow = abhi.page.locator("#asks form button[value=true]");
    if (await allow.count()) await Promise.all([abhi.page.waitForEvent("domcontentloaded"), allow.click()]);
    await page.reload();
    return page.locator("[data-submit-now]").count();
  });
  await show("chat-let-in", abhi.page);
  await show("ask-allowed", page);
  await Promise.all([page.waitForEvent("domcontentloaded"), page.locator("[data-submit-now] button").click()]);
  await page.locator("#history").waitFor();
  return phone;
}

/** A chat whose second name is open, and whose time is nearly up. @param {Walk} walk */
export async function unnamed({ person, language, scripts, show }) {
  const abhi = await person();
  const { page } = abhi;
  if (scripts) await installClock(page);
  await page.goto("/");
  await choosePlain(page);
  await page.locator("[name=ttlHours][value='1']").check();
  await submit(page, { "user-one": people[language].you });
  await show("invite-unnamed", page);
  const invitation = page.url();
  const chat = new URL(invitation).pathname.replace(/\/invite$/, "");
  await page.goto(chat);
  await show("chat-nobody-yet-unnamed", page);
  const zoe = await person();
  await zoe.page.goto(chat.replace(/\/1$/, ""));
  await show("login-choose", zoe.page);
  await submit(zoe.page, { user: people[language].peer });
  await page.goto(invitation);
  await show("invite-joined", page);
  if (!scripts) return;
  await page.goto(chat);
  await page.clock.fastForward("51:00");
  await page.locator("#notices .strip").waitFor();
  await show("chat-expiring", page);
}
