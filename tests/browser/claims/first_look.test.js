// What somebody meets who was told nothing: the guest's page, the invitation, the words.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { choosePlain, contentOf, join, register } from "../harness/flows.js";
import { locales, people } from "../harness/samples.js";
import { until } from "../harness/until.js";

share();

claim("the guest's page says what this is and when it is gone, and names nobody", async ({ person }) => {
  const [abhi, guest] = [await person(), await person()];
  const { link } = await register(abhi);
  await guest.page.goto(link);
  const lead = guest.page.locator("p.lead").first();
  await until("it says what this is", async () => (await lead.innerText()).replace(/\s+/g, " "), (words) => /^Someone invited you to a private chat for two\. No account\. It deletes itself on \d+ \p{L}+\.$/u.test(words));
  await guest.page.getByText("Use the name they gave you.").waitFor();
  assert.doesNotMatch(await contentOf(guest.page), /Abhi|Anny/);
});

claim("a time that ends with a full stop is not followed by another one", async ({ person }) => {
  const [abhi, guest] = [await person(), await person({ locale: "es-MX" })];
  const { link } = await register(abhi, { lifetime: "1 day" });
  await guest.page.goto(link);
  const lead = guest.page.locator("p.lead").first();
  await until("the hour is told by halves of the day", () => lead.innerText(), (words) => /It deletes itself on .*[ap]\.\s?m\.$/.test(words));
});

for (const encrypted of [true, false]) {
  claim(`the invitation to ${encrypted ? "an encrypted" : "a plain"} chat says by itself that the other person has joined`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    const { link } = await register(abhi, { encrypted });
    await join(anny, link);
    await abhi.page.getByText("Anny has already joined.").waitFor();
    await abhi.page.getByText("Nobody else can join with this link now.").waitFor();
    assert.equal(await until("the link", () => abhi.page.locator("#link").inputValue()), link);
  });
}

for (const [width, height] of [[1280, 800], [390, 844]]) {
  for (const encrypted of [true, false]) {
    for (const language of /** @type {const} */ (["en", "ar"])) {
      claim(`the invitation to ${encrypted ? "an encrypted" : "a plain"} chat shows link, code and the way on without scrolling at ${width} by ${height}: ${locales[language]}`, async ({ person }) => {
        const abhi = await person({ viewport: { width, height }, locale: locales[language] });
        await abhi.context.addInitScript(() => {
          Navigator.prototype.share = async () => {};
        });
        const { page } = abhi;
        await page.goto("/");
        if (encrypted) await page.locator("#register [data-sealed]").waitFor();
        else await choosePlain(page);
        await page.locator("#user-one").fill(people[language].you);
        await page.locator("#user-two").fill(people[language].peer);
        await page.locator("#register button.primary").click();
        await until("the link", () => page.locator("#link").inputValue());
        const bottom = async (/** @type {import("playwright-core").Locator} */ what) => {
          const box = await what.boundingBox();
          assert.ok(box, "it is not there");
          assert.ok(box.y + box.height <= height, `${await what.innerText()} ends at ${box.y + box.height}`);
          return box.y;
        };
        const order = [];
        for (const what of [page.locator("#link"), page.locator("[data-share]"), page.locator("#return-code"), page.locator("a.primary")]) {
          order.push(await bottom(what));
        }
        assert.deepEqual(order, [...order].sort((one, two) => one - two));
      });
    }
  }
}

for (const language of /** @type {const} */ (["en", "ar"])) {
  claim(`the start page stands still when the scripts of encrypted chats come: ${locales[language]}`, async ({ person }) => {
    const { page } = await person({ locale: locales[language] });
    /** @type {() => void} */
    let come = () => {};
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const held = new Promise((resolve) => (come = () => resolve(undefined)));
      await page.route("**/making.js", (route) => held.then(() => route.continue()));
      await page.goto("/");
      const places = () => page.locator("h1, #register .primary, footer").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top).filter((top) => top < innerHeight));
      const before = await places();
      come();
      await page.locator("#register [data-sealed]").waitFor();
      await page.locator("[data-choice] summary").waitFor();
      assert.deepEqual(await places(), before, `${width} px`);
      await page.unrouteAll({ behavior: "wait" });
    }
  });
}

claim("an app on the home screen has a neutral name and an icon", async ({ person }) => {
  const { page } = await person();
  await page.goto("/");
  const address = await page.locator("link[rel=manifest]").getAttribute("href");
  const manifest = await page.evaluate(async (address) => {
    const response = await fetch(String(address));
    const content = await response.json();
    const icons = await Promise.all(content.icons.map((/** @type {{ src: string }} */ { src }) => fetch(new URL(src, response.url)).then(({ ok, headers }) => [ok, headers.get("Content-Type")])));
    return { type: response.headers.get("Content-Type"), name: content.name, start: content.start_url, icons };
  }, address);
  assert.equal(manifest.name, "duet");
  assert.equal(manifest.start, "/demo/chat/register");
  assert.match(manifest.type ?? "", /manifest\+json/);
  for (const media of ["light", "dark"]) {
    const colour = await page.locator(`meta[name=theme-color][media*=${media}]`).getAttribute("content");
    assert.match(colour ?? "", /^#[0-9a-f]{6}$/);
  }
  for (const [ok, type] of manifest.icons) assert.ok(ok && /^image\//.test(type), JSON.stringify(manifest.icons));
});
