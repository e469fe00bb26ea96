// What a conversation can look like, and what can happen to it.

import { tell } from "../flows.js";
import { setHidden } from "../person.js";
import { talk } from "../samples.js";
import { until } from "../until.js";
import { submit } from "./steps.js";

/** @typedef {import("./steps.js").Walk} Walk */
/** @typedef {import("./steps.js").At} At */

/** What a conversation can look like. @param {Walk} walk @param {At} at */
export async function talking({ language, scripts, show }, { abhi, anny, chat, link }) {
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

/** What becomes of a message, and a connection, that fails. @param {Walk} walk @param {At} at */
export async function failing({ language, scripts, show }, { abhi, anny, chat, link }) {
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
  await page.locator("#menu summary").click();
  await page.locator("#menu [data-dialog=end-dialog]").click();
  await page.locator("#end-dialog form button").click();
  await page.locator("#end-dialog [data-unanswered]").waitFor();
  await show("chat-end-unanswered", page);
  await page.keyboard.press("Escape");
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

  const { sessions } = await tell(abhi, `${chat}/sessions`);
  await tell(abhi, `${chat}/sessions/end`, { id: sessions.find((/** @type {any} */ { current }) => current).id });
  await page.locator("#connection a").waitFor();
  await show("chat-session-lost", page);
}
