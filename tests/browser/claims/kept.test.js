// The return code and the code for another device: kept until they are saved or over, and never made anew by a look.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choose, inChat, join, meet, openMySide, register, returnCode } from "../harness/flows.js";
import { remains } from "../harness/remains.js";
import { until, untilIs } from "../harness/until.js";

share();

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "" : ", without scripts too";
  claim(`a return code survives a reload and another language until it is saved${how}`, async ({ person }) => {
    const [abhi, anny] = [await person({ javaScriptEnabled }), await person({ javaScriptEnabled })];
    const { link, code } = await register(abhi);
    const { page } = abhi;
    await page.reload();
    await untilIs("the return code", () => returnCode(page), code);
    await page.getByRole("button", { name: "العربية" }).click();
    await page.locator("html[lang=ar]").waitFor({ state: "attached" });
    await untilIs("the return code", () => returnCode(page), code);
    await page.getByRole("button", { name: "English" }).click();
    await page.locator("html[lang=en]").waitFor({ state: "attached" });
    await openMySide(abhi);
    await untilIs("the return code", () => returnCode(page), code);
    await page.getByRole("button", { name: "Saved" }).click();
    await untilIs("the code", () => page.locator("#return-code").count(), 0);
    await page.reload();
    await inChat(page);
    await untilIs("the code", () => page.locator("#return-code").count(), 0);
    // It is the code that lets its owner in.
    await join(anny, link);
    await until("the return code", () => returnCode(anny.page), (code) => code.length >= 16);
  });

  claim(`looking again at a new code makes no other${how}`, async ({ person }) => {
    const [abhi, anny] = [await person({ javaScriptEnabled }), await person({ javaScriptEnabled })];
    await meet(abhi, anny);
    const { page } = anny;
    await choose(page, "New return code");
    await page.getByText("The old code no longer works").waitFor();
    const code = await returnCode(page);
    await page.reload();
    await untilIs("the return code", () => returnCode(page), code);
    await page.getByRole("link", { name: "Back to the chat" }).click();
    await inChat(page);
    await untilIs("the return code", () => returnCode(page), code);
    await choose(page, "Open on another device");
    const device = await page.locator("#device-code").inputValue();
    await page.reload();
    await untilIs("the device code", () => page.locator("#device-code").inputValue(), device);
    await page.getByRole("button", { name: "العربية" }).click();
    await page.locator("html[lang=ar]").waitFor({ state: "attached" });
    await untilIs("the device code", () => page.locator("#device-code").inputValue(), device);
  });
}

claim("a code that was not saved goes when its owner logs out", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const code = await returnCode(anny.page);
  await choose(anny.page, "Log out");
  await anny.page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await anny.page.getByRole("heading", { name: "You are logged out" }).waitFor();
  const kept = (await anny.context.cookies()).map(({ value }) => value).join(" ");
  assert.ok(!kept.includes(code), "the code stays in the browser");
  await untilIs("what is left", () => remains(anny), []);
});
