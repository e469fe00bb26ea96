// Ending the chat for both, and that nothing of it is left in either browser.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choose, contentOf, endForBoth, inChat, meet, meetByForms, message, say, tell } from "../harness/flows.js";
import { listen } from "../harness/live.js";
import { remains } from "../harness/remains.js";
import { until, untilIs } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */

const SECRET = "the secret that was said";

/** Two whose pages may learn that the chat is over. @param {import("../harness/claim.js").World["person"]} person */
async function pair(person) {
  const both = [await person(), await person()];
  for (const one of both) one.expectStatus(410);
  return both;
}

claim("ending asks first, then takes both to the start, which says who ended it", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  await meet(abhi, anny);
  await say(abhi.page, SECRET);
  await message(anny.page, SECRET).waitFor();

  await choose(anny.page, "End the chat");
  const dialog = anny.page.getByRole("dialog", { name: "End this chat for both of you?" });
  await dialog.getByText("Every message is deleted from the server now.").waitFor();
  await dialog.getByText("Abhi may have kept copies.").waitFor();
  await untilIs("the kind of link", () => dialog.getByRole("link", { name: "Download" }).getAttribute("download"), "");
  await until("Cancel has the focus", () => dialog.getByText("Cancel").evaluate((node) => node === document.activeElement));
  await anny.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await until("the focus is back", () => anny.page.locator("#menu summary").evaluate((node) => node === document.activeElement));
  await choose(anny.page, "End the chat");
  await dialog.waitFor();
  // Beside the question: as good as Cancel.
  await anny.page.mouse.click(5, 5);
  await dialog.waitFor({ state: "hidden" });
  await say(anny.page, "Not yet");
  await message(abhi.page, "Not yet").waitFor();

  await endForBoth(anny.page);
  for (const [{ page }, words] of /** @type {const} */ ([[anny, "You ended the chat."], [abhi, "Anny ended the chat."]])) {
    await page.getByRole("heading", { name: "The chat has ended" }).waitFor();
    await page.getByText(words).waitFor();
    await page.getByText("Every message has been deleted from the server.").waitFor();
    await until("the address", () => page.url(), (url) => /\/demo\/chat\/register\?ended$/.test(url));
  }
  // Told once: who comes later learns no name.
  await abhi.page.reload();
  await abhi.page.getByText("It was ended, or its time was up.").waitFor();
  assert.doesNotMatch(await contentOf(abhi.page), /Anny/);
});

claim("the end interrupts whoever listens, before the page is left", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  const ears = await listen(abhi);
  await meet(abhi, anny);
  let leave = () => {};
  const held = new Promise((resolve) => (leave = () => resolve(undefined)));
  await abhi.page.route("**/register?ended", async (route) => {
    await held;
    await route.continue();
  });
  await endForBoth(anny.page);
  await untilIs("what interrupts", () => ears.alarms, ["The chat has ended."]);
  leave();
  await abhi.page.getByRole("status").getByRole("heading", { name: "The chat has ended" }).waitFor();
});

claim("after the end Back, reload, a second tab and curl show nothing", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  const { link, one, two } = await meetByForms(abhi, anny);
  await say(abhi.page, SECRET);
  await message(anny.page, SECRET).waitFor();
  const second = await abhi.tab(one.chat);
  await message(second, SECRET).waitFor();
  await say(anny.page, "And something after it");
  await message(second, "And something after it").waitFor();
  const older = await abhi.tab(`${one.chat}?before=2`);
  await message(older, SECRET).waitFor();
  const invitation = await abhi.tab(`${one.chat}/invite`);
  await invitation.locator("#link").waitFor();
  const token = (await abhi.context.cookies(`${abhi.server.origin}${one.chat}`)).map(({ name, value }) => `${name}=${value}`);

  await endForBoth(anny.page);
  for (const [page, seat] of /** @type {const} */ ([[abhi.page, one], [second, one], [older, one], [anny.page, two]])) {
    await page.getByRole("heading", { name: "The chat has ended" }).waitFor();
    const seen = async () => (await contentOf(page)).includes(SECRET);
    assert.equal(await seen(), false);
    await page.goBack();
    await page.waitForLoadState();
    assert.equal(await seen(), false, `Back shows it at ${page.url()}`);
    await page.goto(seat.chat);
    assert.equal(await seen(), false);
    await page.getByRole("heading", { name: "This chat has ended" }).waitFor();
  }
  await invitation.reload();
  await invitation.getByRole("heading", { name: "This chat has ended" }).waitFor();
  assert.ok(!(await contentOf(invitation)).includes("Anny"));
  await invitation.goto(link);
  await invitation.getByRole("heading", { name: "This chat has ended" }).waitFor();
  // As a program would, with the cookies of before.
  const answer = await fetch(`${abhi.server.origin}${one.chat}`, { headers: { Cookie: token.join("; ") } });
  assert.equal(answer.status, 410);
  assert.ok(!(await answer.text()).includes(SECRET));
});

claim("a page that slept through the end clears itself when somebody looks again", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  abhi.expectOutage();
  await meet(abhi, anny);
  await say(anny.page, SECRET);
  await message(abhi.page, SECRET).waitFor();
  await abhi.context.setOffline(true);
  await endForBoth(anny.page);
  await anny.page.getByRole("heading", { name: "The chat has ended" }).waitFor();
  await abhi.context.setOffline(false);
  await abhi.page.getByRole("heading", { name: "The chat has ended" }).waitFor();
  await untilIs("what is left", () => remains(abhi), []);
});

claim("nothing of the chat stays in the browser after the end", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  await meet(abhi, anny);
  await say(abhi.page, SECRET);
  await message(anny.page, SECRET).waitFor();
  await abhi.page.getByLabel("Message", { exact: true }).fill("An unsent draft");
  await until("the draft is kept", () => remains(abhi), (left) => left.length > 0);
  await endForBoth(anny.page);
  for (const one of [abhi, anny]) {
    await one.page.getByRole("heading", { name: "The chat has ended" }).waitFor();
    await untilIs("what is left", () => remains(one), []);
  }
});

claim("a draft goes with its chat that ended while the tab was elsewhere, and with a chat that is left by its own page", async ({ person }) => {
  const [abhi, anny] = await pair(person);
  anny.expectStatus(401);
  const { one, two } = await meet(abhi, anny);
  const write = async (/** @type {Page} */ page) => {
    await page.getByLabel("Message", { exact: true }).fill(SECRET);
    await until("the draft is kept", () => page.evaluate(() => JSON.stringify(sessionStorage)), (kept) => kept.includes(SECRET));
  };
  const second = await anny.tab(two.chat);
  await inChat(second);
  await say(abhi.page, "In both");
  await message(second, "In both").waitFor();
  await write(anny.page);
  await anny.page.goto(`${two.chat}/logout`);
  await anny.page.getByRole("button", { name: "Log out" }).click();
  for (const page of [anny.page, second]) {
    await page.getByRole("heading", { name: "You are logged out" }).waitFor();
    await untilIs("what is left", () => remains({ context: anny.context, page }), []);
  }

  await write(abhi.page);
  const other = await abhi.tab(one.chat);
  await inChat(other);
  await abhi.page.goto("about:blank");
  await endForBoth(other);
  await other.getByRole("heading", { name: "The chat has ended" }).waitFor();
  await abhi.page.goto(one.chat);
  await abhi.page.getByRole("heading", { name: "This chat has ended" }).waitFor();
  await untilIs("what is left", () => remains(abhi), []);
});

claim("what one has written after logging in again stays when one goes back to the page of the log-out", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link, two } = await meet(abhi, anny);
  await anny.page.goto(`${two.chat}/logout`);
  await anny.page.getByRole("button", { name: "Log out" }).click();
  await anny.page.getByRole("heading", { name: "You are logged out" }).waitFor();
  await tell(anny, `${new URL(link).pathname}/login`, { user: "Anny", returnCode: two.code });
  await anny.page.goto(two.chat);
  await inChat(anny.page);
  await anny.page.getByLabel("Message", { exact: true }).fill("A draft to keep");
  const kept = () => anny.page.evaluate(() => JSON.stringify(sessionStorage));
  await until("the draft is kept", kept, (kept) => kept.includes("A draft to keep"));
  await anny.page.goBack();
  await anny.page.getByRole("heading", { name: "You are logged out" }).waitFor();
  await anny.page.waitForLoadState("networkidle");
  assert.ok((await kept()).includes("A draft to keep"));
});

claim("nothing of the chat stays in the browser after logging out, in any tab", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(401);
  const { two } = await meetByForms(abhi, anny);
  await say(abhi.page, SECRET);
  await message(anny.page, SECRET).waitFor();
  const second = await anny.tab(two.chat);
  await inChat(second);
  await second.getByLabel("Message", { exact: true }).fill("An unsent draft");
  await choose(anny.page, "Log out");
  await anny.page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  for (const page of [anny.page, second]) {
    await page.getByRole("heading", { name: "You are logged out" }).waitFor();
    await untilIs("what is left", () => remains({ context: anny.context, page }), []);
    await page.goBack();
    await page.waitForLoadState();
    assert.ok(!(await contentOf(page)).includes(SECRET), `Back shows it at ${page.url()}`);
  }
  await say(abhi.page, "Still going on");
});
