// What a browser's Back button leads to: an answer that was lost on its way, a page that was kept.

import assert from "node:assert/strict";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { inChat, opened, register } from "../harness/flows.js";
import { until } from "../harness/until.js";

shareBehindRelay({ whole: true });

for (const encrypted of [false, true]) {
  claim(`a guest who took a seat of ${encrypted ? "an encrypted" : "a plain"} chat and was not told so takes it by the Back button`, async ({ person, relay }) => {
    const [abhi, anny] = [await person(), await person()];
    const { page } = anny;
    anny.expectOutage();
    const { link } = await register(abhi, { encrypted });
    await page.goto(link);
    await page.waitForLoadState("networkidle");
    let lost = 0;
    relay.change = ({ method, path }) => {
      if (method !== "POST" || !path.endsWith("/login")) return;
      lost++;
      throw new Error("the answer is lost");
    };
    await page.getByLabel("Your name").fill("Anny");
    const enter = page.getByRole("button", { name: "Enter", exact: true });
    await enter.click();
    await until("the browser's own page", () => page.url(), (url) => url.startsWith("chrome-error:") && lost > 0);
    relay.relent();
    await page.goBack();
    await until("the name is there", () => page.getByLabel("Your name").inputValue(), (name) => name === "Anny");
    await enter.click();
    await (encrypted ? opened : inChat)(page);
  });
}

claim("a secret that was not taken is there, and refused, when one comes back by the Back button", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = anny;
  const { link } = await register(abhi);
  const whole = `${link}#v1.${"A".repeat(43)}`;
  const refused = page.getByText("the server says that this chat is not encrypted");
  await page.addInitScript(() => addEventListener("pageshow", ({ persisted }) => void Object.assign(globalThis, { persisted })));
  await page.goto(whole);
  await refused.waitFor();
  await page.locator("header a").first().click();
  await page.getByRole("heading", { name: "A private chat for two" }).waitFor();
  await page.goBack({ waitUntil: "commit" });
  await until("it is loaded anew", () => page.evaluate(() => /** @type {any} */ (globalThis).persisted === false));
  await refused.waitFor();
  assert.equal(page.url(), whole);
});
