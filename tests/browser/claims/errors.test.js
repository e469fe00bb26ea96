// When something goes wrong, the page says what happened, whether anything was lost, and one next step.

import { claim, share } from "../harness/claim.js";
import { choose, choosePlain, endForBoth, inChat, meet, message, say } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** What the page says, and then the one way on that it offers. @param {Page} page @param {string} happened @param {RegExp} lost @param {string} next */
async function follow(page, happened, lost, next) {
  await page.getByRole("heading", { level: 1, name: happened }).waitFor();
  await until("it says whether anything was lost", () => page.locator("main .lead").textContent(), (words) => lost.test(words ?? ""));
  await untilIs("the ways on", () => page.locator("main").getByRole("link").allTextContents(), [next]);
  await page.getByRole("link", { name: next }).click();
}

claim("an address that leads nowhere, and one that only a button may ask for", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(404, 405);
  const { page } = abhi;
  const { one } = await meet(abhi, anny);
  await page.goto("/demo/chat/user/2222222222222222222222");
  await follow(page, "There is nothing here", /nothing was changed\. Check that the whole link was copied/, "Start a new chat");
  await page.getByRole("heading", { name: "A private chat for two" }).waitFor();
  await page.goto(`${one.chat}/message_send`);
  await follow(page, "That is not how this works", /Nothing was changed/, "Back to the chat");
  await inChat(page);
});

claim("a seat that one is not logged in to leads to the log-in, and an ended chat to a new one", async ({ person }) => {
  const [abhi, anny, stranger] = [await person(), await person(), await person()];
  for (const one of [abhi, anny]) one.expectStatus(410);
  stranger.expectStatus(401, 410);
  const { page } = stranger;
  const { one } = await meet(abhi, anny);
  await page.goto(one.chat);
  await follow(page, "You are not logged in", /Nothing is lost: log in with your name/, "Log in");
  await page.getByRole("heading", { name: "Come in" }).waitFor();
  await endForBoth(anny.page);
  await anny.page.getByText("You ended the chat.").waitFor();
  await page.reload();
  await follow(page, "This chat has ended", /Every message has been deleted from the server/, "Start a new chat");
  await page.getByRole("heading", { name: "A private chat for two" }).waitFor();
});

claim("what another site sent in one's name", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(403);
  const { page } = abhi;
  await meet(abhi, anny);
  // A browser lets nobody choose where a request comes from, so it is sent in the browser's stead.
  await page.route("**/endchat", async (route) => {
    const headers = { ...route.request().headers(), origin: "https://other.example" };
    await route.fulfill({ response: await route.fetch({ headers }) });
  });
  await choose(page, "End the chat");
  await page.getByRole("button", { name: "End for both" }).click();
  await follow(page, "That came from another site", /Nothing was changed/, "Back to the chat");
  await inChat(page);
  await say(page, "Not ended");
  await message(anny.page, "Not ended").waitFor();
});

claim("the way on from a chat that could not be made leads to a new form, and sends the old one no more", async ({ person }) => {
  const abhi = await person();
  abhi.expectStatus(403);
  const { page } = abhi;
  let sent = 0;
  await page.route("**/demo/chat/register", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    sent++;
    const headers = { ...route.request().headers(), origin: "https://other.example" };
    await route.fulfill({ response: await route.fetch({ headers }) });
  });
  await page.goto("/");
  await choosePlain(page);
  await page.getByLabel("Your name").fill("Abhi");
  await page.getByRole("button", { name: "Create the chat" }).click();
  await follow(page, "That came from another site", /Nothing was changed/, "Start a new chat");
  await page.getByRole("heading", { name: "A private chat for two" }).waitFor();
  await untilIs("the forms that were sent", () => sent, 1);
});
