// An answer that is lost on its way back: the server has done what was asked, and nobody knows.

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
