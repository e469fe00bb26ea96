// The page to try the API on: a library's, under the headers of every other page.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";

share();

claim("the API can be tried on its page, and nothing there is kept from working by a policy", async ({ person }) => {
  const { page } = await person();
  const opened = await page.goto("/chat-server/docs/");
  assert.match(opened?.headers()["content-security-policy"] ?? "", /frame-ancestors 'none'/);
  const reserve = page.locator("#operations-registration-reserve");
  await reserve.locator(".opblock-summary").click();
  await reserve.getByRole("button", { name: "Try it out" }).click();
  const answered = page.waitForResponse((response) => response.url().endsWith("/chat-server/hash"));
  await reserve.getByRole("button", { name: "Execute" }).click();
  assert.equal((await answered).status(), 200);
  await reserve.locator(".live-responses-table").getByText('"OK"').first().waitFor();
});
