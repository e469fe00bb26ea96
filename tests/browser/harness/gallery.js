// A walk through every page and every state of one, in any language, with scripts and without: for whoever looks at them all.

import { settle } from "./look.js";
import { people, talk } from "./samples.js";
import { setHidden } from "./person.js";
import { until } from "./until.js";

/** @typedef {import("./person.js").Person} Person */
/** @typedef {import("playwright-core").Page} Page */
/** @typedef {(name: string, page: Page) => Promise<void>} Show what to do at every station */

/**
 * @typedef {object} Walk
 * @property {() => Promise<Person>} person somebody new, in the language and with or without scripts as asked for
 * @property {keyof typeof people} language
 * @property {boolean} scripts
 * @property {Show} show
 */

/** By their place in the form, since the words differ. @param {Page} page @param {Record<string, string>} fields */
async function submit(page, fields) {
  for (const [id, value] of Object.entries(fields)) await page.locator(`#${id}`).fill(value);
  const form = page.locator("form", { has: page.locator(`#${Object.keys(fields)[0]}`) });
  await Promise.all([page.waitForEvent("domcontentloaded"), form.locator("button:not([type=button])").first().click()]);
}

/** A form that stands in a menu or says nothing but its button. @param {Page} page @param {string} leaf the end of its address */
const press = (page, leaf) =>
  Promise.all([
    page.waitForEvent("domcontentloaded"),
    page.locator(`form[action$="/${leaf}"]`).first().evaluate((form) => /** @type {HTMLFormElement} */ (form).submit()),
  ]);

/** @param {Person} person @param {string} path @param {Record<string, unknown>} body */
async function tell({ context }, path, body) {
  const answer = await context.request.post(path, { data: { data: body }, headers: { Accept: "application/json" } });
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return (await answer.json()).data;
}

/** Making a chat, and what can go wrong with it. @param {Walk} walk */
async function beginning({ person, language, show }) {
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
  await submit(page, { "user-one": you, "user-two": peer });
  await show("invite", page);
  const chat = new URL(page.url()).pathname.replace(/\/invite$/, "");
  await page.goto(chat);
  await show("chat-nobody-yet", page);
  return { abhi, chat, link: chat.replace(/\/1$/, "") };
}

/** A chat whose second name is open, and whose time is nearly up. @param {Walk} walk */
async function unnamed({ person, language, scripts, show }) {
  const abhi = await person();
  const { page } = abhi;
  await page.clock.install();
  await page.goto("/");
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
  await page.clock.runFor("51:00");
  await page.locator("#notices .strip").waitFor();
  await show("chat-expiring", page);
}

/** Taking a seat. @param {Walk} walk @param {string} link */
async function entering({ person, language, show }, link) {
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

/** Coming back to a seat that is taken. Answers who sits in it afterwards. @param {Walk} walk @param {{ abhi: Person, anny: Person, chat: string, link: string }} at */
async function returning({ person, language, scripts, show }, { abhi, anny, chat, link }) {
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
  await page.goto(asked);
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

/** What a conversation can look like. @param {Walk} walk @param {{ abhi: Person, anny: Person, chat: string, link: string }} at */
async function talking({ language, scripts, show }, { abhi, anny, chat, link }) {
  const { page } = abhi;
  await anny.page.goto(`${link}/2`);
  await page.goto(chat);
  await show("chat-empty", page);
  for (const [seat, message] of talk[language]) {
    await tell(seat === 1 ? abhi : anny, `${link}/${seat}/message_send`, { message });
  }
  await page.goto(chat);
  if (scripts) await until("it was seen", () => page.locator('.last[data-state="seen"]').count());
  await show("chat", page);
  await page.locator("#menu summary").click();
  await show("chat-menu", page);
  if (!scripts) {
    await page.goto(chat);
    await submit(page, { message: "  " });
    await show("chat-not-sent", page);
    return;
  }
  await page.locator("#menu [data-dialog=logout-dialog]").click();
  await show("chat-logout-dialog", page);
  await page.keyboard.press("Escape");
  await page.locator("#menu summary").click();
  await page.locator("#menu [data-dialog=end-dialog]").click();
  await show("chat-end-dialog", page);
  await page.keyboard.press("Escape");
  await tell(anny, `${link}/2/typing`, {});
  await until("typing is shown", () => page.locator("#typing").textContent());
  await show("chat-typing", page);
  await setHidden(page, true);
  await tell(anny, `${link}/2/message_send`, { message: talk[language][0][1] });
  await page.locator("#messages .unread").waitFor();
  await show("chat-unread", page);
  await setHidden(page, false);
}

/** What becomes of a message, and a connection, that fails. @param {Walk} walk @param {{ abhi: Person, anny: Person, chat: string, link: string }} at */
async function failing({ language, scripts, show }, { abhi, anny, chat, link }) {
  if (!scripts) return;
  const { page } = abhi;
  abhi.expectStatus(401, 409, 410);
  abhi.expectOutage();
  await page.route("**/message_send", (route) =>
    route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "" } } }),
  );
  await page.goto(chat);
  await page.locator("#message").fill(talk[language][1][1]);
  await page.keyboard.press("Enter");
  await page.locator('.mine[data-state="failed"]').waitFor();
  await show("chat-failed", page);
  await page.locator("[data-delete]").click();
  await page.unroute("**/message_send");
  await abhi.context.setOffline(true);
  await page.locator("#connection").waitFor();
  await page.locator("#message").fill(talk[language][2][1]);
  await page.keyboard.press("Enter");
  await show("chat-offline", page);
  await abhi.context.setOffline(false);
  await page.locator("#connection button").waitFor({ state: "hidden" });
  await show("chat-connected", page);
  await page.locator("#connection").waitFor({ state: "hidden" });

  for (let line = 1; line <= 60; line++) await tell(abhi, `${link}/1/message_send`, { message: `${line}` });
  await until("all are there", () => page.locator('[data-seq]:last-child .text:text-is("60")').count());
  await page.locator("#history").hover();
  await page.mouse.wheel(0, -500);
  await until("somewhere above", () => page.locator("#history").evaluate((node) => node.scrollTop < -200));
  await tell(anny, `${link}/2/message_send`, { message: talk[language][0][1] });
  await page.locator("#pill").waitFor();
  await show("chat-pill", page);

  const { sessions } = (await (await abhi.context.request.get(`${chat}/sessions`, { headers: { Accept: "application/json" } })).json()).data;
  await tell(abhi, `${chat}/sessions/end`, { id: sessions.find((/** @type {any} */ { current }) => current).id });
  await page.locator("#connection a").waitFor();
  await show("chat-session-lost", page);
}

/** Around a seat, and the ways out. @param {Walk} walk @param {{ anny: Person, link: string }} at */
async function leaving({ person, language, show }, { anny, link }) {
  const { page } = anny;
  const seat = `${link}/2`;
  const station = async (/** @type {string} */ name, /** @type {string} */ leaf, form = false) => {
    await page.goto(form ? seat : `${seat}/${leaf}`);
    if (form) await press(page, leaf);
    await show(name, page);
  };
  await station("device", "device", true);
  await station("return-code", "return_code", true);
  const { deviceCode } = await tell(anny, `${seat}/device`, {});
  const phone = await person();
  await phone.page.goto(`${link}#device=${deviceCode}&user=${encodeURIComponent(people[language].peer)}`);
  await show("login-device", phone.page);
  await tell(phone, `${link}/login`, { user: people[language].peer, deviceCode });
  await station("sessions", "sessions");
  await station("logout", "logout");
  await station("end", "endchat");
  anny.expectStatus(401, 403, 404, 405, 410);
  await page.goto(`${seat}?before=40`);
  await show("chat-older", page);
  const stranger = await person();
  stranger.expectStatus(400, 401, 403, 404, 405, 410);
  await stranger.page.goto(seat);
  await show("error-401", stranger.page);
  await stranger.page.goto("/demo/chat/user/2222222222222222222222");
  await show("error-404", stranger.page);
  await tell(anny, `${seat}/endchat`, {});
  await stranger.page.goto(link);
  await show("error-410", stranger.page);
}

/** The whole walk. @param {Walk} asked */
export async function walk(asked) {
  const show = asked.show;
  const step = { ...asked, show: async (/** @type {string} */ name, /** @type {Page} */ page) => show(name, await settle(page)) };
  const { abhi, chat, link } = await beginning(step);
  const anny = await entering(step, link);
  const at = { abhi, anny, chat, link };
  await talking(step, at);
  at.anny = await returning(step, at);
  await failing(step, at);
  await leaving(step, at);
  await unnamed(step);
}
