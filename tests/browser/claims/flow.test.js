// From making a chat to talking in it.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choosePlain, contentOf, inChat, join, meet, message, openMySide, register, returnCode, say, tell, texts, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { scan } from "../harness/scan.js";
import { until, untilIs } from "../harness/until.js";

share();

claim("the start page says who can read a chat of either kind", async ({ person }) => {
  const { page } = await person();
  await page.goto("/");
  await page.getByText("Only the two of you can read this. No account. Either of you can end it at any time.").waitFor();
  await choosePlain(page);
  await page.getByText("No account. The server can read messages while the chat exists. Either of you can end it at any time.").waitFor();
});

claim("the invitation offers the link, a copy, a QR code and the return code, the code until it is saved", async ({ person, browser }) => {
  const abhi = await person({ permissions: ["clipboard-read", "clipboard-write"] });
  const { link, code } = await register(abhi);
  const { page } = abhi;
  await page.getByText("Send this to Anny only. Until Anny joins, anyone with this link could take Anny’s place.").waitFor();
  await page.getByText("To come in they type the name Anny: tell them.").waitFor();
  await page.getByText(/^The chat deletes itself on \d/).waitFor();
  assert.equal(await page.locator("#link").getAttribute("readonly"), "");
  assert.match(new URL(link).pathname, /^\/demo\/chat\/user\/[1-9A-HJ-NP-Za-km-z]{22}$/);
  assert.ok(code.length >= 16, "a return code that can be guessed");
  assert.equal(await scan(page.getByRole("img", { name: "QR code of the link" }), browser), link);
  await page.locator('[data-copy="link"]').click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  await untilIs("the clipboard", () => page.evaluate(() => navigator.clipboard.readText()), link);
  await page.reload();
  await untilIs("the link", () => page.locator("#link").inputValue(), link);
  await untilIs("a code that nobody has saved", () => page.locator("#return-code").inputValue(), code);
  await page.getByRole("button", { name: "Saved" }).click();
  await untilIs("the code", () => page.locator("#return-code").count(), 0);
  await page.reload();
  assert.ok(!(await contentOf(page)).includes(code), "a code that is saved is shown again");
});

claim("copying moves nothing on the page", async ({ person }) => {
  const abhi = await person({ permissions: ["clipboard-read", "clipboard-write"] });
  await register(abhi);
  const { page } = abhi;
  const boxes = () => page.locator("main :is(button, .button)").evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
  await page.locator("html[data-live]").waitFor();
  const before = await boxes();
  for (const id of ["link", "return-code"]) {
    const button = page.locator(`[data-copy="${id}"]`);
    await button.click();
    await button.getByText("Copied").waitFor();
    assert.deepEqual(await boxes(), before);
  }
});

claim("a clipboard that refuses leaves the link selected", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  await register(abhi);
  await page.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", { value: { writeText: () => Promise.reject(new Error("no")) } });
  });
  await page.locator('[data-copy="link"]').click();
  await page.getByText("The text is selected").waitFor();
  const selected = () => page.locator("#link").evaluate((field) => {
    const { value, selectionStart, selectionEnd } = /** @type {HTMLInputElement} */ (field);
    return value.slice(selectionStart ?? 0, selectionEnd ?? 0) === value && document.activeElement === field;
  });
  await until("the link is selected", selected);
});

claim("two people talk both ways, live, and the ticks say how far a message has come", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await register(abhi);
  await openMySide(abhi);
  await abhi.page.getByRole("heading", { name: "Say hello" }).waitFor();
  await abhi.page.getByText("Anny has not joined yet.").waitFor();
  await untilIs("the link", () => abhi.page.locator("#link").inputValue(), link);
  await abhi.page.locator(".until").getByText(/^chat ends \d/).waitFor();
  await say(abhi.page, "Are you there?");
  await untilTick(abhi.page, "Are you there?", "Sent");

  await join(anny, link);
  await until("the return code", () => returnCode(anny.page), (code) => code.length >= 16);
  await message(anny.page, "Are you there?").waitFor();
  await untilTick(abhi.page, "Are you there?", "Seen");
  await untilIs("the other person", () => abhi.page.locator("#presence").textContent(), "Online");

  await anny.page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await say(anny.page, "Yes, here I am");
  await message(abhi.page, "Yes, here I am").waitFor();
  await say(abhi.page, "Good");
  await message(anny.page, "Good").waitFor();
  await untilTick(anny.page, "Yes, here I am", "Seen");
  assert.ok(await anny.page.evaluate(() => "sameDocument" in globalThis), "the page was loaded anew");

  const before = await texts(anny.page);
  assert.deepEqual(before, ["Are you there?", "Yes, here I am", "Good"]);
  await anny.page.reload();
  await inChat(anny.page);
  await untilIs("the texts", () => texts(anny.page), before);
});

claim("every state of a message has a mark and a word of its own", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await say(abhi.page, "How far?");
  await untilTick(abhi.page, "How far?", "Seen");
  const marks = await message(abhi.page, "How far?").evaluate((item) => {
    const tick = /** @type {Element} */ (item.querySelector(".tick"));
    return ["sending", "sent", "delivered", "seen", "failed"].map((state) => {
      item.setAttribute("data-state", state);
      return getComputedStyle(tick, "::after").maskImage;
    });
  });
  assert.equal(new Set(marks).size, 5);
  assert.ok(marks.every((mark) => mark.startsWith("url(")));
  const words = await abhi.page.locator("#chat").evaluate((chat) => JSON.parse(/** @type {HTMLElement} */ (chat).dataset.text ?? ""));
  const { sending, sent, delivered, seen, failed } = words;
  assert.deepEqual([sending, sent, delivered, seen, failed], ["Sending", "Sent", "Delivered", "Seen", "Not sent"]);
});

claim("a message is delivered to a tab that nobody looks at, and seen when somebody does", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await setHidden(anny.page, true);
  await say(abhi.page, "Look at me");
  await untilTick(abhi.page, "Look at me", "Delivered");
  await untilIs("the title", () => anny.page.title(), "(1) Abhi · duet");
  await say(abhi.page, "Please");
  await untilIs("the title", () => anny.page.title(), "(2) Abhi · duet");
  await setHidden(anny.page, false);
  await untilTick(abhi.page, "Please", "Seen");
  await untilTick(abhi.page, "Look at me", "Seen");
  await untilIs("the title", () => anny.page.title(), "Abhi · duet");
});

claim("typing and leaving are shown to the other person", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await untilIs("the other person", () => abhi.page.locator("#presence").textContent(), "Online");
  const typing = abhi.page.locator("#typing");
  await anny.page.getByLabel("Message", { exact: true }).pressSequentially("H");
  await until("typing is shown", () => typing.textContent(), (words) => /Anny.* is typing/.test(words ?? ""));
  await untilIs("typing that has stopped", () => typing.textContent(), "");
  await anny.page.close();
  await until("leaving is shown", () => abhi.page.locator("#presence").textContent(), (words) => /^Last seen/.test(words ?? ""));
});

claim("the second person chooses a name when the first one left that open", async ({ person }) => {
  const [abhi, zoe] = [await person(), await person()];
  const { link } = await register(abhi, { peer: "" });
  await openMySide(abhi);
  await abhi.page.getByText("Nobody has joined yet").waitFor();
  await join(zoe, link, "Zoë");
  await untilIs("the other's name", () => abhi.page.locator("#peer").textContent(), "Zoë");
  await say(zoe.page, "Hello from Zoë");
  await message(abhi.page, "Hello from Zoë").waitFor();
});

claim("a double click makes one chat", async ({ person }) => {
  const { page } = await person();
  /** @type {string[]} */
  const landed = [];
  page.on("framenavigated", (frame) => landed.push(new URL(frame.url()).pathname));
  await page.goto("/");
  await choosePlain(page);
  const id = await page.locator("input[name=id]").inputValue();
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByRole("button", { name: "Create the chat" }).dblclick();
  await page.getByLabel("The link", { exact: true }).first().waitFor();
  const link = await page.locator("#link").inputValue();
  assert.equal(new Set(landed.filter((path) => path.endsWith("/invite"))).size, 1);
  // And once more, as a browser that lost the answer would send it.
  const again = await page.request.post("/demo/chat/register", {
    form: { id, userOne: "Abhi", userTwo: "", ttlHours: "168" },
    headers: { Accept: "text/html", Connection: "close" },
    maxRedirects: 0,
  });
  assert.equal(again.headers().location, `${new URL(link).pathname}/1/invite`);
});
