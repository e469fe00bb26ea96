// Coming back: with a code, by being let in, from another device. And holding both seats at once.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choose, contentOf, inChat, join, knock, meet, message, openMySide, register, returnCode, saveCode, say, texts, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { scan } from "../harness/scan.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
async function logOut(page) {
  await choose(page, "Log out");
  await page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "You are logged out" }).waitFor();
}

claim("who logs out comes back with the return code, and not without it", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(400, 401, 403, 409);
  const { link, two } = await meet(abhi, anny);
  await say(anny.page, "Back soon");
  await message(abhi.page, "Back soon").waitFor();
  await logOut(anny.page);
  await anny.page.getByText("The chat goes on; come back with the link and your return code.").waitFor();
  await anny.page.goto(two.chat);
  await anny.page.getByRole("heading", { name: "You are not logged in" }).waitFor();
  assert.ok(!(await contentOf(anny.page)).includes("Back soon"));

  await knock(anny.page, link, "Anny");
  await anny.page.getByLabel("Return code").fill("not-the-code");
  await anny.page.getByRole("button", { name: "Enter with the code" }).click();
  await anny.page.getByRole("alert").getByText("That return code is not right").waitFor();
  await anny.page.getByLabel("Return code").fill(two.code);
  await anny.page.getByRole("button", { name: "Enter with the code" }).click();
  await inChat(anny.page);
  await untilIs("the texts", () => texts(anny.page), ["Back soon"]);
  await say(abhi.page, "Welcome back");
  await message(anny.page, "Welcome back").waitFor();
});

claim("a new return code brings one back, and the old one does not", async ({ person }) => {
  const [abhi, anny, laptop] = [await person(), await person(), await person()];
  laptop.expectStatus(403, 409);
  const { link, two } = await meet(abhi, anny);
  await choose(anny.page, "New return code");
  await anny.page.getByText("The old code no longer works").waitFor();
  const code = await anny.page.locator("#return-code").inputValue();
  await knock(laptop.page, link, "Anny");
  await laptop.page.getByLabel("Return code").fill(two.code);
  await laptop.page.getByRole("button", { name: "Enter with the code" }).click();
  await laptop.page.getByRole("alert").getByText("That return code is not right").waitFor();
  await untilIs("what was typed", () => laptop.page.getByLabel("Return code").inputValue(), two.code);
  await laptop.page.getByLabel("Return code").fill(code);
  await laptop.page.getByRole("button", { name: "Enter with the code" }).click();
  await inChat(laptop.page);
});

claim("a new return code comes with the link that it needs, and leaves no empty card when it is saved", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const { page } = anny;
  await choose(page, "New return code");
  await page.getByText("With the chat’s whole link it brings you back from any browser.").waitFor();
  await saveCode(page);
  await untilIs("the cards", () => page.locator("main .card:visible").count(), 0);
});

claim("a wrong name is told so, and the page shows no name of the chat", async ({ person }) => {
  const [abhi, stranger] = [await person(), await person()];
  stranger.expectStatus(403);
  const { link } = await register(abhi);
  const { page } = stranger;
  await page.goto(link);
  await page.getByLabel("Your name").fill("Mallory");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  const summary = page.getByRole("alert");
  await summary.getByText("That name is not part of this chat. Check it with the person who invited you.").waitFor();
  await until("the summary has the focus", () => summary.evaluate((node) => node === document.activeElement));
  await untilIs("the field", () => page.getByLabel("Your name").inputValue(), "Mallory");
  await untilIs("the mark of the field", () => page.getByLabel("Your name").getAttribute("aria-invalid"), "true");
  assert.doesNotMatch(await contentOf(page), /Abhi|Anny/);
});

claim("who asks is let in by the other person, and the old session ends", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  phone.expectStatus(409);
  anny.expectStatus(401);
  const { link, two } = await meet(abhi, anny);
  await say(abhi.page, "Where are you?");
  await message(anny.page, "Where are you?").waitFor();
  await anny.page.goto("about:blank");
  await until("Anny has left", () => abhi.page.locator("#presence").textContent(), (words) => words !== "Online");

  await knock(phone.page, link, "Anny");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  await phone.page.getByRole("heading", { name: "Waiting to be let in" }).waitFor();
  const banner = abhi.page.locator("#asks form");
  await banner.getByText("Call or text Anny first. Allowing logs Anny out everywhere else.").waitFor();
  const number = await phone.page.locator(".ask-number strong").textContent();
  assert.match(number ?? "", /^[0-9]{2}$/);
  await banner.locator(".ask-number").getByText(number ?? "", { exact: true }).waitFor();
  await banner.getByRole("button", { name: "Allow" }).click();
  await inChat(phone.page);
  await untilIs("the banner", () => banner.count(), 0);
  await abhi.page.locator("#notices").getByText("was let in again").waitFor();
  await untilIs("the texts", () => texts(phone.page), ["Where are you?"]);
  await until("a new return code", () => returnCode(phone.page), (code) => code.length >= 16);
  await say(phone.page, "Here, on my phone");
  await message(abhi.page, "Here, on my phone").waitFor();

  // Who stayed sees it in the conversation, now and later; who was away is told why.
  const line = abhi.page.locator("#messages .event").getByText("You let someone in as");
  await line.waitFor();
  await abhi.page.reload();
  await line.waitFor();
  await untilIs("the lines about it", () => line.count(), 1);
  await anny.page.goto(two.chat);
  await anny.page.getByRole("heading", { name: "Someone else was let in" }).waitFor();
  await anny.page.getByText(/Abhi let someone in as Anny at .*, which logged you out/).waitFor();
  await anny.page.getByRole("button", { name: "Ask to be let in" }).click();
  await anny.page.getByRole("heading", { name: "Waiting to be let in" }).waitFor();
});

claim("a page without its stream learns that somebody else was let in", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  phone.expectStatus(409);
  anny.expectStatus(401, 502);
  const { link } = await meet(abhi, anny);
  await anny.page.route("**/stream?*", (route) => route.fulfill({ status: 502 }));
  await anny.page.reload();
  await until("Anny has left", () => abhi.page.locator("#presence").textContent(), (words) => words !== "Online");
  await knock(phone.page, link, "Anny");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  await abhi.page.locator("#asks form").getByRole("button", { name: "Allow" }).click();
  await inChat(phone.page);
  await anny.page.locator("#connection").getByText(/let someone in as .*Anny.* at .*, which logged you out/).waitFor();
});

claim("two who ask at once are one strip with their number, and the messages keep their room", async ({ person }) => {
  const viewport = { width: 320, height: 568 };
  const [abhi, anny, phone, laptop] = [await person({ viewport }), await person(), await person(), await person()];
  for (const one of [phone, laptop]) one.expectStatus(409);
  const { link } = await meet(abhi, anny);
  const { page } = abhi;
  const strip = page.getByText("2 requests to be let in");
  await knock(phone.page, link, "Anny");
  await phone.page.getByRole("button", { name: "Ask to be let in" }).click();
  await page.getByText("Someone wants to enter as Anny").waitFor();
  // One is shown at once.
  await untilIs("the strip of several", () => strip.isVisible(), false);
  await knock(laptop.page, link, "Abhi");
  await laptop.page.getByRole("button", { name: "Ask to be let in" }).click();
  for (const again of [false, true]) {
    // As the scripts show it, and as the server writes it.
    if (again) await page.reload();
    await strip.waitFor();
    await until("it is one line", async () => ((await page.locator("#asks").boundingBox())?.height ?? Infinity) < 60);
    await untilIs("the first form", () => page.locator("#asks form").first().isVisible(), false);
  }
  await strip.click();
  await page.getByText("Someone wants to enter as Anny").waitFor();
  const own = page.locator("#asks form").filter({ hasText: "Abhi" });
  await own.getByRole("button", { name: "Refuse" }).click();
  await laptop.page.getByRole("heading", { name: "You were not let in" }).waitFor();
  await untilIs("the strip of several", () => strip.isVisible(), false);
  await page.getByText("Someone wants to enter as Anny").waitFor();
});

claim("who asks is refused by the other person", async ({ person }) => {
  const [abhi, anny, stranger] = [await person(), await person(), await person()];
  stranger.expectStatus(409);
  const { link } = await meet(abhi, anny);
  await knock(stranger.page, link, "Anny");
  await stranger.page.getByRole("button", { name: "Ask to be let in" }).click();
  // The one whose seat is asked for may refuse as well, and nothing else.
  const own = anny.page.locator("#asks form");
  await own.getByText("If not, refuse.").waitFor();
  await untilIs("the buttons", () => own.getByRole("button").allTextContents(), ["Refuse"]);
  const banner = abhi.page.locator("#asks form");
  await banner.getByRole("button", { name: "Refuse" }).click();
  await stranger.page.getByRole("heading", { name: "You were not let in" }).waitFor();
  await untilIs("the other banner", () => own.count(), 0);
  await say(anny.page, "Still here");
  await message(abhi.page, "Still here").waitFor();
});

claim("a request to be let in that is answered while the page is still on its way is not shown for long", async ({ person }) => {
  const [abhi, anny, stranger] = [await person(), await person(), await person()];
  stranger.expectStatus(409);
  const { link, one } = await meet(abhi, anny);
  await knock(stranger.page, link, "Anny");
  await stranger.page.getByRole("button", { name: "Ask to be let in" }).click();
  const form = abhi.page.locator("#asks form");
  await form.waitFor();
  const second = await abhi.context.newPage();
  await second.route(`**${one.chat}`, async (route) => {
    const response = await route.fetch();
    assert.match(await response.text(), /<form class="strip ask"/);
    await form.getByRole("button", { name: "Refuse" }).click();
    await untilIs("the banner", () => form.count(), 0);
    await route.fulfill({ response });
  });
  await second.goto(one.chat);
  await inChat(second);
  await untilIs("the other tab's banner", () => second.locator("#asks form").count(), 0);
});

claim("nobody is let in while the person is there", async ({ person }) => {
  const [abhi, anny, stranger] = [await person(), await person(), await person()];
  stranger.expectStatus(409);
  abhi.expectStatus(409);
  const { link } = await meet(abhi, anny);
  await untilIs("Anny", () => abhi.page.locator("#presence").textContent(), "Online");
  await knock(stranger.page, link, "Anny");
  await stranger.page.getByRole("button", { name: "Ask to be let in" }).click();
  await abhi.page.locator("#asks form").getByRole("button", { name: "Allow" }).click();
  await abhi.page.locator("#notices").getByText("Nobody was let in: that person has the chat open. There, “Open on another device” in the menu lets in the new device.").waitFor();
});

claim("a device's link that is opened where its log-in page stands already is taken, and leaves the address bar", async ({ person }) => {
  const [abhi, anny, phone] = [await person(), await person(), await person()];
  const { link } = await meet(abhi, anny);
  await choose(anny.page, "Open on another device");
  const device = await anny.page.locator("#device-link").inputValue();
  await phone.page.goto(link);
  await phone.page.getByLabel("Your name").waitFor();
  await phone.page.evaluate((device) => location.assign(device), device);
  await phone.page.getByRole("heading", { name: "Continue here as Anny" }).waitFor();
  await until("the code is out of the address bar", () => !phone.page.url().includes("device="));
});

claim("another device comes in by its link, once, and both devices agree", async ({ person, browser }) => {
  const [abhi, anny, phone, late] = [await person(), await person(), await person(), await person()];
  late.expectStatus(403);
  await meet(abhi, anny);
  await choose(anny.page, "Open on another device");
  const link = await anny.page.locator("#device-link").inputValue();
  assert.equal(await scan(anny.page.getByRole("img", { name: "QR code for your other device" }), browser), link);
  assert.match(link, /#device=/, "the code must not travel to a server");
  await anny.page.getByRole("link", { name: "Back to the chat" }).click();

  await phone.page.goto(link);
  await phone.page.getByRole("heading", { name: "Continue here as Anny" }).waitFor();
  await until("the code is out of the address bar", () => !phone.page.url().includes("device="));
  assert.deepEqual(await phone.page.locator("main").getByRole("heading").allInnerTexts(), ["Continue here as Anny"]);
  assert.equal(await phone.page.getByText("Someone invited you").isVisible(), false);
  await phone.page.keyboard.press("Enter");
  await inChat(phone.page);
  await inChat(anny.page);
  await say(phone.page, "From the phone");
  await message(anny.page, "From the phone").waitFor();
  await message(anny.page, "From the phone").and(anny.page.locator(".mine")).waitFor();
  await message(abhi.page, "From the phone").waitFor();

  // What nobody has read yet is marked on both, and read on one of them is read.
  const both = [anny.page, phone.page];
  for (const page of both) await setHidden(page, true);
  for (const text of ["Read me", "And me"]) await say(abhi.page, text);
  for (const page of both) {
    await untilIs("the title", () => page.title(), "(2) Abhi · duet");
    await untilIs("what stands below the line", () => page.locator("#messages .unread + .message .text").textContent(), "Read me");
  }
  await setHidden(phone.page, false);
  for (const page of both) await untilIs("the title", () => page.title(), "Abhi · duet");
  await untilTick(abhi.page, "And me", "Seen");
  await anny.page.reload();
  await inChat(anny.page);
  await untilIs("the unread lines", () => anny.page.locator("#messages .unread").count(), 0);

  await late.page.goto(link);
  await late.page.getByRole("button", { name: "Enter", exact: true }).click();
  await late.page.getByRole("alert").getByText("That device code is wrong, used already or older than ten minutes").waitFor();
});

claim("one sees where one is logged in, and logs one of them out", async ({ person }) => {
  const [abhi, anny, laptop] = [await person(), await person(), await person()];
  laptop.expectStatus(401, 409);
  await laptop.page.clock.install();
  const { link, two } = await meet(abhi, anny);
  await knock(laptop.page, link, "Anny");
  await laptop.page.getByLabel("Return code").fill(two.code);
  await laptop.page.getByRole("button", { name: "Enter with the code" }).click();
  await inChat(laptop.page);
  await laptop.page.getByLabel("Message", { exact: true }).fill("A draft");

  await choose(anny.page, "Where you are logged in");
  await anny.page.getByRole("heading", { name: "Where you are logged in" }).waitFor();
  const [first, second] = await until("two devices", () => anny.page.locator(".sessions li").allInnerTexts(), (all) => all.length === 2);
  for (const device of [first, second]) assert.match(device, /^Chrome on Linux\n/);
  assert.ok(first.includes("This device") && !second.includes("This device"), "this one first");
  await anny.page.getByRole("button", { name: "Log out" }).click();
  await anny.page.getByText("That device is logged out.").waitFor();
  await untilIs("the devices", () => anny.page.locator(".sessions li").count(), 1);

  await laptop.page.getByText("You are not logged in here any more. What you wrote is kept.").waitFor();
  await untilIs("the field", () => laptop.page.getByLabel("Message", { exact: true }).inputValue(), "A draft");
  // A minute later it still says so, and has not asked for what it cannot get.
  let asked = 0;
  laptop.page.on("request", (request) => void (request.url().includes("/assets/") || asked++));
  await laptop.page.clock.runFor(60_000);
  await say(abhi.page, "Anybody there?");
  await untilTick(abhi.page, "Anybody there?", "Sent");
  assert.equal(await laptop.page.locator("#connection p").textContent(), "You are not logged in here any more. What you wrote is kept.");
  assert.equal(asked, 0, "it goes on asking");
  await laptop.page.locator("#connection").getByRole("link").click();
  await laptop.page.getByLabel("Your name").waitFor();
});

claim("one browser holds both seats, each in its own tab", async ({ person }) => {
  const both = await person();
  const { link, chat } = await register(both);
  await openMySide(both);
  const second = await both.context.newPage();
  await join({ page: second }, link);
  await say(second, "From seat two");
  await message(both.page, "From seat two").waitFor();
  await say(both.page, "From seat one");
  await message(second, "From seat one").waitFor();
  await message(second, "From seat one").and(second.locator(".theirs")).waitFor();

  const third = await both.tab(link);
  await untilIs("the ways in", () => third.getByRole("link", { name: /^Continue as/ }).allTextContents(), ["Continue as Abhi", "Continue as Anny"]);
  await third.getByRole("link", { name: "Continue as Abhi" }).click();
  await inChat(third);
  assert.equal(new URL(third.url()).pathname, chat);
  await untilIs("the texts", () => texts(third), ["From seat two", "From seat one"]);
});
