// What a first visit weighs over the wire.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, join, meet, register } from "../harness/flows.js";
import { until } from "../harness/until.js";

share();

const KIB = 1024;

/** Bytes over the wire by kind of file, since it was called. @param {import("playwright-core").Page} page */
function weigh(page) {
  /** @type {Promise<{ kind: string, body: number, head: number }>[]} */
  const sizes = [];
  page.on("requestfinished", (request) => {
    const kind = request.resourceType();
    const sized = request.sizes().then(({ responseBodySize: body, responseHeadersSize: head }) => {
      // What comes out of the cache is told with the head that it once had, and a body of as many bytes below nothing.
      return body < 0 ? { kind, body: 0, head: 0 } : { kind, body, head };
    });
    sizes.push(sized);
  });
  return async (/** @type {string} */ wanted = "") => {
    const all = await Promise.all(sizes);
    if (wanted) return all.filter(({ kind }) => kind === wanted).reduce((sum, { body }) => sum + body, 0);
    return all.reduce((sum, { body, head }) => sum + body + head, 0);
  };
}

claim("a first visit to the start page is light", async ({ person }) => {
  const { page } = await person();
  const start = weigh(page);
  await page.goto("/");
  // With what an encrypted chat needs, which comes last.
  await page.locator("#register [data-sealed]").waitFor();
  assert.ok((await start()) <= 20 * KIB, `the start page weighs ${await start()} bytes`);
});

for (const encrypted of [false, true]) {
  claim(`a first visit to ${encrypted ? "an encrypted" : "a plain"} chat is light, with all its scripts`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person()];
    const { link } = await register(abhi, { encrypted });
    // Somebody who comes by the link meets two pages, and all scripts there are.
    const chat = weigh(anny.page);
    await join(anny, link);
    await anny.page.waitForLoadState("load");
    await anny.page.locator("#chat:not([data-opening])").waitFor();
    const [script, style, all] = [await chat("script"), await chat("stylesheet"), await chat()];
    const told = `${script} bytes of script, ${style} of style, ${all} in all`;
    console.log(`a first visit to ${encrypted ? "an encrypted" : "a plain"} chat by the link: ${told}`);
    assert.ok(script > 0 && script <= 20 * KIB && style > 0 && style <= 10 * KIB, told);
    assert.ok(all <= 40 * KIB, told);
  });
}

claim("what encryption needs is fetched in encrypted chats alone", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await register(abhi);
  /** @type {string[]} */
  const fetched = [];
  anny.page.on("request", (request) => void fetched.push(new URL(request.url()).pathname.split("/").at(-1) ?? ""));
  await join(anny, link);
  await anny.page.waitForLoadState("load");
  assert.ok(fetched.includes("chat.js"));
  assert.deepEqual(fetched.filter((name) => /vault|making|qr|save|chime|ask|notice/.test(name)), []);
});

claim("what was fetched once is not fetched again", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  /** @type {string[]} */
  const asked = [];
  abhi.page.on("response", (response) => void (response.fromServiceWorker() || asked.push(response.url())));
  const wire = await abhi.context.newCDPSession(abhi.page);
  await wire.send("Network.enable");
  let cached = 0;
  wire.on("Network.requestServedFromCache", () => cached++);
  await abhi.page.reload();
  await inChat(abhi.page);
  await abhi.page.waitForLoadState("load");
  const files = () => asked.filter((url) => /\/assets\/.*\.(js|css)$/.test(url)).length;
  await until("every file comes from the cache", () => cached > 0 && cached === files());
});
