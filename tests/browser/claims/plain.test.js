// The same without scripts: forms and links, and nothing less.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { claim, share } from "../harness/claim.js";
import { choose, contentOf, inChat, join, knock, meet, message, openMySide, post, pour, register, returnCode, texts } from "../harness/flows.js";
import { remains } from "../harness/remains.js";
import { until, untilIs } from "../harness/until.js";

share();

const PLAIN = { javaScriptEnabled: false };

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const refresh = (page) => page.getByRole("link", { name: "Refresh" }).click();

claim("two people meet, talk, log out, return and end by forms alone", async ({ person }) => {
  const [abhi, anny] = [await person(PLAIN), await person(PLAIN)];
  abhi.expectStatus(410);
  anny.expectStatus(409);
  const { link, code } = await register(abhi);
  await abhi.page.getByRole("img", { name: "QR code of the link" }).waitFor();
  assert.equal(await abhi.page.getByRole("button", { name: "Copy" }).count(), 0, "a button that does nothing without scripts");
  await abhi.page.reload();
  await untilIs("a code that nobody has saved", () => returnCode(abhi.page), code);
  await openMySide(abhi);
  await untilIs("the return code", () => returnCode(abhi.page), code);
  await abhi.page.getByRole("button", { name: "Saved" }).click();
  await inChat(abhi.page);
  await untilIs("whether the code is shown", async () => (await contentOf(abhi.page)).includes(code), false);
  await post(abhi.page, "Are you there?");
  await message(abhi.page, "Are you there?").waitFor();
  await untilIs("the texts", () => texts(abhi.page), ["Are you there?"]);
  await untilIs("the heading of a chat without messages", () => abhi.page.getByRole("heading", { name: "Say hello" }).count(), 0);

  const { chat } = await join(anny, link);
  const annysCode = await returnCode(anny.page);
  await post(anny.page, "Yes,\nhere I am");
  await refresh(abhi.page);
  await untilIs("the texts", () => texts(abhi.page), ["Are you there?", "Yes,\nhere I am"]);
  await untilIs("the return code", () => returnCode(anny.page), annysCode);

  await choose(anny.page, "Log out");
  await anny.page.getByRole("heading", { name: "Log out of this browser?" }).waitFor();
  await anny.page.getByRole("button", { name: "Log out" }).click();
  await anny.page.getByRole("heading", { name: "You are logged out" }).waitFor();
  await anny.page.getByText("The chat goes on; come back with the link and your return code.").waitFor();
  await knock(anny.page, link, "Anny");
  await anny.page.getByLabel("Return code").fill(annysCode);
  await anny.page.getByRole("button", { name: "Enter with the code" }).click();
  await inChat(anny.page);
  await untilIs("the number of texts", async () => (await texts(anny.page)).length, 2);
  assert.equal(new URL(anny.page.url()).pathname, chat);

  await choose(anny.page, "End the chat");
  await anny.page.getByRole("heading", { name: "End this chat for both of you?" }).waitFor();
  await anny.page.getByRole("link", { name: "Cancel" }).click();
  await inChat(anny.page);
  await choose(anny.page, "End the chat");
  await anny.page.getByRole("button", { name: "End for both" }).click();
  await anny.page.getByRole("heading", { name: "The chat has ended" }).waitFor();
  await anny.page.getByText("You ended the chat.").waitFor();
  await untilIs("what is left", () => remains(anny), []);
  await refresh(abhi.page);
  await abhi.page.getByRole("heading", { name: "This chat has ended" }).waitFor();
  assert.ok(!(await contentOf(abhi.page)).includes("here I am"));
  await untilIs("what is left", () => remains(abhi), []);
});

claim("a message that cannot be sent is kept, with the reason", async ({ person }) => {
  const [abhi, anny] = [await person(PLAIN), await person(PLAIN)];
  abhi.expectStatus(400, 413);
  await meet(abhi, anny);
  await post(abhi.page, "   ");
  await abhi.page.getByRole("alert").getByText("Write something first.").waitFor();
  const long = "long ".repeat(4000);
  await post(abhi.page, long);
  await abhi.page.getByRole("alert").getByText("Too long by 3,616 characters.").waitFor();
  await untilIs("the field", () => abhi.page.getByLabel("Message", { exact: true }).inputValue(), long);
  await post(abhi.page, "short");
  await message(abhi.page, "short").waitFor();
  await untilIs("the texts", () => texts(abhi.page), ["short"]);
});

claim("mistakes at the start are told beside the field, and what was typed is kept", async ({ person }) => {
  const abhi = await person(PLAIN);
  abhi.expectStatus(400);
  const { page } = abhi;
  await page.goto("/");
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByLabel("Their name").fill("ABHI");
  await page.getByRole("radio", { name: "30 days" }).check();
  await page.getByRole("button", { name: "Create the chat" }).click();
  const summary = page.getByRole("alert");
  await summary.getByText("Choose two different names.").waitFor();
  await until("the summary has the focus", () => summary.evaluate((node) => node === document.activeElement));
  await untilIs("the field", () => page.getByLabel("Your name").inputValue(), "Abhi");
  await untilIs("the field", () => page.getByLabel("Their name").inputValue(), "ABHI");
  await untilIs("the mark of the field", () => page.getByLabel("Their name").getAttribute("aria-invalid"), "true");
  await until("the choice is kept", () => page.getByRole("radio", { name: "30 days" }).isChecked());
  await page.getByLabel("Their name").fill("Anny");
  await page.getByRole("button", { name: "Create the chat" }).click();
  await page.getByRole("heading", { name: "Invite" }).waitFor();
});

claim("who asks is let in, or refused, by forms", async ({ person }) => {
  const [abhi, anny, phone] = [await person(PLAIN), await person(PLAIN), await person(PLAIN)];
  phone.expectStatus(409);
  const { link } = await meet(abhi, anny);
  for (const answer of ["Refuse", "Allow"]) {
    await knock(phone.page, link, "Anny");
    await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
    await phone.page.getByRole("heading", { name: "Waiting to be let in" }).waitFor();
    await refresh(abhi.page);
    await abhi.page.getByText("Call or text Anny first. Allowing logs Anny out everywhere else.").waitFor();
    await abhi.page.getByRole("button", { name: answer }).click();
    const told = answer === "Allow" ? "You let someone in." : "You refused. Nobody was let in.";
    await abhi.page.getByText(told).waitFor();
    await phone.page.getByRole("link", { name: "Look again" }).click();
    const heading = answer === "Allow" ? "You may come in" : "You were not let in";
    await phone.page.getByRole("heading", { name: heading }).waitFor();
  }
  await phone.page.getByRole("button", { name: "Enter the chat" }).click();
  await inChat(phone.page);
  await until("the return code", () => returnCode(phone.page), (code) => code.length >= 16);
  await post(phone.page, "Thank you");
  await message(phone.page, "Thank you").waitFor();
  await refresh(abhi.page);
  await message(abhi.page, "Thank you").waitFor();
});

claim("older messages are one link away, and newer ones too", async ({ person }) => {
  const [abhi, anny] = [await person(PLAIN), await person(PLAIN)];
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 120 }, (_, index) => `line ${index + 1}`));
  await refresh(anny.page);
  const shown = async () => {
    const all = await texts(anny.page);
    return [all.length, all.at(0), all.at(-1)];
  };
  await untilIs("what is shown", shown, [50, "line 71", "line 120"]);
  await anny.page.getByRole("link", { name: "Older messages" }).click();
  await until("older ones", shown, ([, first]) => first === "line 21");
  await untilIs("what is shown", shown, [50, "line 21", "line 70"]);
  await anny.page.getByRole("link", { name: "Older messages" }).click();
  await until("the oldest", shown, ([, first]) => first === "line 1");
  await untilIs("what is shown", shown, [20, "line 1", "line 20"]);
  await untilIs("what stands first", () => anny.page.locator("#messages > li").first().getAttribute("class"), "day");
  await untilIs("the link to older ones", () => anny.page.getByRole("link", { name: "Older messages" }).count(), 0);
  await anny.page.getByRole("link", { name: "To the newest messages" }).click();
  await until("the newest", shown, ([, , last]) => last === "line 120");
});

claim("the whole conversation can be downloaded, as text and as JSON", async ({ person }) => {
  const [abhi, anny] = [await person(PLAIN), await person(PLAIN)];
  await meet(abhi, anny);
  await post(abhi.page, "First");
  await post(anny.page, "Second\nin two lines");
  const download = async (/** @type {string} */ entry) => {
    const [file] = await Promise.all([anny.page.waitForEvent("download"), anny.page.getByRole("link", { name: entry }).click()]);
    return { name: file.suggestedFilename(), content: await readFile(await file.path(), "utf8") };
  };
  await choose(anny.page, "Download…");
  const text = await download("Download as text");
  assert.equal(text.name, "duet.txt");
  assert.match(text.content, /^\[\S+\] Abhi: First\n\[\S+\] Anny: Second\n {4}in two lines\n$/);
  const json = await download("Download as JSON");
  assert.equal(json.name, "duet.json");
  const messages = JSON.parse(json.content).map((/** @type {any} */ { seq, senderName, message }) => ({ seq, senderName, message }));
  assert.deepEqual(messages, [
    { seq: 1, senderName: "Abhi", message: "First" },
    { seq: 2, senderName: "Anny", message: "Second\nin two lines" },
  ]);
});

claim("a link that no button copies is there whole, and one press selects all of it", async ({ person }) => {
  const abhi = await person({ ...PLAIN, viewport: { width: 320, height: 568 } });
  const { page } = abhi;
  const { link, chat } = await register(abhi);
  const whole = async (/** @type {string} */ expected) => {
    const shown = page.locator(".whole");
    await untilIs("the link", () => shown.innerText(), expected);
    const box = await shown.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320, JSON.stringify(box));
    assert.ok(await shown.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth), "it is cut off");
    await shown.click();
    await untilIs("what is selected", () => page.evaluate(() => String(getSelection()).trim()), expected);
  };
  await whole(link);
  await page.goto(chat);
  await whole(link);
  await choose(page, "Open on another device");
  await whole(await page.locator("#device-link").inputValue());
});

claim("another device, sessions and a new return code work by forms", async ({ person }) => {
  const [abhi, anny, phone] = [await person(PLAIN), await person(PLAIN), await person(PLAIN)];
  const { link } = await meet(abhi, anny);
  await choose(anny.page, "Open on another device");
  const code = await anny.page.locator("#device-code").inputValue();
  await phone.page.goto(link);
  await phone.page.getByLabel("Your name").fill("Anny");
  await phone.page.getByText("I have a code").click();
  await phone.page.getByLabel("Device code").fill(code);
  await phone.page.getByRole("button", { name: "Enter", exact: true }).click();
  await inChat(phone.page);

  await anny.page.getByRole("link", { name: "Back to the chat" }).click();
  await choose(anny.page, "Where you are logged in");
  await anny.page.getByRole("button", { name: "Log out" }).click();
  await anny.page.getByText("That device is logged out.").waitFor();
  phone.expectStatus(401);
  await refresh(phone.page);
  await phone.page.getByRole("heading", { name: "You are not logged in" }).waitFor();

  await anny.page.getByRole("link", { name: "Back to the chat" }).click();
  await choose(anny.page, "New return code");
  await anny.page.getByText("The old code no longer works").waitFor();
  await until("the return code", () => returnCode(anny.page), (code) => code.length >= 16);
});

claim("theme and language can be chosen by forms", async ({ person }) => {
  const { page } = await person(PLAIN);
  await page.goto("/");
  await page.getByRole("button", { name: "Dark" }).click();
  await untilIs("the theme", () => page.locator("html").getAttribute("data-theme"), "dark");
  await page.getByRole("button", { name: "العربية" }).click();
  await untilIs("the language", () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
  await untilIs("the theme", () => page.locator("html").getAttribute("data-theme"), "dark");
  await page.getByRole("button", { name: "English" }).click();
  await untilIs("the direction", () => page.locator("html").getAttribute("dir"), "ltr");
});
