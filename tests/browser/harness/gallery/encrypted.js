// The states that only encrypted chats have: their forms, what is wrong with a link, and what is said of a server that lies.

import { randomUUID } from "node:crypto";

import { tell } from "../flows.js";
import { settle } from "../look.js";
import { people, talk } from "../samples.js";
import { Speaker } from "../speaker.js";
import { until } from "../until.js";
import { press, submit } from "./steps.js";

/** @typedef {import("./steps.js").Walk} Walk */
/** @typedef {import("playwright-core").Page} Page */

/** A reason why a page does not work. @param {Page} page @param {string} why */
const cannot = (page, why) => page.locator(`[data-cannot="${why}"]`).waitFor();

/** The texts are open, whatever the language. @param {Page} page */
const opened = (page) => page.locator("#chat:not([data-opening])").waitFor();

/** @param {Walk} asked */
export async function walkEncrypted(asked) {
  const show = async (/** @type {string} */ name, /** @type {Page} */ page) => asked.show(name, await settle(page));
  const walk = { ...asked, show };
  if (!asked.scripts) return withoutScripts(walk);
  await making(walk);
  await doors(walk);
  await lies(walk);
  await ways(walk);
}

/** What a chat is made by, and what its maker sees. @param {Walk} walk */
async function making({ person, language, show }) {
  const abhi = await person();
  abhi.expectStatus(429, 503);
  const { page } = abhi;
  const { you, peer } = people[language];
  await page.goto("/");
  await page.locator("[data-sealed]").waitFor();
  await show("register-encrypted", page);
  await page.locator("[data-choice] summary").click();
  await show("register-encrypted-more", page);
  for (const [why, status] of /** @type {const} */ ([["many", 429], ["failed", 503]])) {
    await page.route("**/register/hash", (route) => route.fulfill({ status, json: { data: {} } }));
    await page.locator("#user-one").fill(you);
    await page.locator("#user-two").fill(peer);
    await page.locator("#register button.primary").click();
    await cannot(page, why);
    await show(`register-${why}`, page);
    await page.unroute("**/register/hash");
  }
  await submit(page, { "user-one": you, "user-two": peer });
  await page.waitForURL("**/invite");
  await until("the code is drawn", () => page.locator("svg.qr path").count());
  await show("invite-encrypted", page);
  const chat = new URL(page.url()).pathname.replace(/\/invite$/, "");
  await page.goto(chat);
  await opened(page);
  await show("chat-encrypted-nobody-yet", page);
  for (const leaf of ["download?choose", "logout", "endchat"]) {
    await page.goto(`${chat}/${leaf}`);
    await show(`encrypted-${leaf.replace(/\W.*/, "")}`, page);
  }
  await page.goto(`${chat}/download?choose`);
  await page.route("**/messages?*", (route) => route.fulfill({ status: 503, json: {} }));
  await page.locator("a[download]").first().click();
  await cannot(page, "download");
  await show("download-failed", page);
}

/** The door, with the whole link and without. @param {Walk} walk */
async function doors({ person, language, relay, show }) {
  const { you, peer } = people[language];
  const origin = /** @type {NonNullable<typeof relay>} */ (relay).origin;
  const chat = await Speaker.begin(origin, { you, peer });
  const anny = await person();
  anny.expectStatus(403, 409);
  const { page } = anny;
  const [bare] = chat.link.split("#");
  await page.goto(bare);
  await cannot(page, "incomplete");
  await show("login-incomplete", page);
  await page.goto(`${bare}#v1.${"A".repeat(43)}`);
  await page.locator("[data-auth]:not([disabled])").first().waitFor({ state: "attached" });
  await show("login-encrypted", page);
  await submit(page, { user: peer });
  await page.locator("#problem").waitFor();
  await show("login-wrong-key", page);
  await page.goto("about:blank");
  await page.goto(chat.link);
  await page.locator("[data-auth]:not([disabled])").first().waitFor({ state: "attached" });
  await submit(page, { user: you });
  await page.locator('form[action$="/login/ask"] [data-auth]:not([disabled])').waitFor({ state: "attached" });
  await show("login-encrypted-taken", page);
  await press(page, "login/ask");
  await page.locator("[data-ask]").waitFor();
  await show("ask-encrypted-waiting", page);
  const { asks } = await greeting(chat);
  await chat.call(`user/${chat.hash}/answer`, { ask: asks[0].ask, allow: false });
  await page.locator('form[action$="/login/ask"]').waitFor();
  await show("ask-encrypted-refused", page);
  await page.addInitScript(() => Object.defineProperty(Crypto.prototype, "subtle", { get: () => undefined }));
  await page.goto(bare);
  await cannot(page, "insecure");
  await show("login-insecure", page);
  const refusing = await person();
  await refusing.page.addInitScript(() => (IDBFactory.prototype.open = () => { throw new DOMException("forbidden", "SecurityError"); }));
  await refusing.page.goto(chat.link);
  await cannot(refusing.page, "storage");
  await show("login-no-storage", refusing.page);
  const plain = await person();
  const { url } = await tell(await person(), "/demo/chat/register", { userOne: you, userTwo: peer });
  await plain.page.goto(`${url}#v1.${"A".repeat(43)}`);
  await cannot(plain.page, "downgraded");
  await show("login-downgraded", plain.page);
}

/** The first event of a stream. @param {Speaker} speaker */
async function greeting(speaker) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ ((await speaker.ask(`user/${speaker.hash}/stream`)).body).getReader();
  const decoder = new TextDecoder();
  for (let text = ""; ; ) {
    text += decoder.decode((await reader.read()).value, { stream: true });
    const data = /event: hello\n(?:id: .*\n)?data: (.*)\n\n/.exec(text)?.[1];
    if (!data) continue;
    await reader.cancel();
    return JSON.parse(data);
  }
}

/** A conversation of which the server tells every lie at once. @param {Walk} walk */
async function lies({ person, language, relay, show }) {
  const { you, peer } = people[language];
  const lying = /** @type {NonNullable<typeof relay>} */ (relay);
  const abhi = await Speaker.begin(lying.origin, { you, peer });
  const anny = await person();
  const { page } = anny;
  await page.goto(abhi.link);
  await page.locator("[data-auth]:not([disabled])").first().waitFor({ state: "attached" });
  await submit(page, { user: peer });
  await opened(page);
  for (const [, text] of talk[language]) await abhi.say(text);
  await until("all are there", () => page.locator("#messages .message").count(), (count) => count === talk[language].length);
  await show("chat-encrypted", page);
  lying.lies.set(abhi.seat(2), ([one, two, three, four, five, ...rest]) =>
    [
      one,
      { ...two, timestamp: "2026-01-01T00:00:00.000Z" },
      four,
      three,
      { ...five, id: randomUUID() },
      { ...five, senderName: peer },
      one,
      ...rest.slice(1),
    ].map((message, at) => ({ ...message, seq: at + 1 })),
  );
  await page.reload();
  await opened(page);
  await page.locator(".closed").first().waitFor();
  await show("chat-encrypted-lies", page);
  lying.relent();
  lying.change = (asked, answer) => {
    if (asked.path === abhi.seat(2)) answer.body = answer.body.replaceAll(`${abhi.hash}/2&quot;`, `${abhi.hash}/1&quot;`);
  };
  await page.goto(abhi.seat(2));
  await cannot(page, "other");
  await show("chat-encrypted-other", page);
  lying.relent();
  lying.event = (name, data) => [[name, name === "hello" ? { ...data, encryption: undefined } : data]];
  await page.goto(abhi.seat(2));
  await cannot(page, "downgraded");
  await show("chat-encrypted-downgraded", page);
  lying.relent();
}

/** Another device, and the page of somebody whose seat was given away. @param {Walk} walk */
async function ways({ person, language, relay, show }) {
  const { you, peer } = people[language];
  const abhi = await Speaker.begin(/** @type {NonNullable<typeof relay>} */ (relay).origin, { you, peer });
  const anny = await person();
  anny.expectStatus(401);
  const { page } = anny;
  await page.goto(abhi.link);
  await page.locator("[data-auth]:not([disabled])").first().waitFor({ state: "attached" });
  await submit(page, { user: peer });
  await opened(page);
  await press(page, "device");
  await until("the code is drawn", () => page.locator("svg.qr path").count());
  await show("device-encrypted", page);
  const link = await page.locator("#device-link").inputValue();
  const phone = await person();
  await phone.page.goto(link);
  await phone.page.locator("[data-device-ready]").waitFor();
  await show("login-encrypted-device", phone.page);
  await page.goto("about:blank");
  const { askId } = await abhi.call(`user/${encodeURIComponent(peer)}/login/ask`, { user: peer, hash: abhi.hash, auth: abhi.auth });
  await until("somebody else is let in", async () => {
    const { asks } = await greeting(abhi);
    await abhi.call(`user/${abhi.hash}/answer`, { ask: asks[0].ask, allow: true }).catch(() => {});
    const { state } = await abhi.call(`user/${encodeURIComponent(peer)}/login/ask/${askId}`);
    return state === "allowed";
  });
  await page.goto(abhi.seat(2));
  await page.locator('form[action$="/login/ask"] [data-auth]:not([disabled])').waitFor({ state: "attached" });
  await show("error-401-replaced-encrypted", page);
}

/** What an encrypted chat says where no scripts run. @param {Walk} walk */
async function withoutScripts({ person, language, relay, show }) {
  const { you, peer } = people[language];
  const chat = await Speaker.begin(/** @type {NonNullable<typeof relay>} */ (relay).origin, { you, peer });
  const anny = await person();
  await anny.page.goto(chat.link);
  await show("login-encrypted", anny.page);
  await tell(anny, `/demo/chat/user/${chat.hash}/login`, { user: peer, auth: chat.auth });
  await chat.say(talk[language][0][1]);
  await anny.page.goto(chat.seat(2));
  await show("chat-encrypted", anny.page);
  for (const leaf of ["download?choose", "logout", "endchat"]) {
    await anny.page.goto(`${chat.seat(2)}/${leaf}`);
    await show(`encrypted-${leaf.replace(/\W.*/, "")}`, anny.page);
  }
  const abhi = await person();
  const { hash } = await tell(abhi, "/demo/chat/register/hash", {});
  await tell(abhi, "/demo/chat/register", { userOne: you, userTwo: peer, hash, encryption: "v1", auth: chat.auth });
  await abhi.page.goto(`/demo/chat/user/${hash}/1/invite`);
  await show("invite-encrypted", abhi.page);
}
