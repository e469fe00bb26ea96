// What a page of another origin can do to somebody who is in a chat: link to it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, say, texts } from "../harness/flows.js";
import { until } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {Record<string, string>} Fields */

const UUID = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11";

/** Everything that changes something, as a form sends it. @param {string} chat @returns {[string, Fields][]} */
const actions = (chat) => {
  const link = chat.replace(/\/\d$/, "");
  return [
    ["/demo/chat/register", { userOne: "Eve", userTwo: "Bob" }],
    ["/demo/chat/preferences", { theme: "dark" }],
    [`${link}/login`, { user: "Anny" }],
    [`${link}/login/ask`, { user: "Anny" }],
    [`${chat}/message_send`, { message: "not mine" }],
    [`${chat}/receipt`, { delivered: "1", read: "1" }],
    [`${chat}/typing`, {}],
    [`${chat}/answer`, { ask: UUID, allow: "true" }],
    [`${chat}/device`, {}],
    [`${chat}/return_code`, {}],
    [`${chat}/sessions/end`, { id: UUID }],
    [`${chat}/logout`, {}],
    [`${chat}/endchat`, {}],
  ];
};

/** Sends a form, and shows the answer there. @param {Page} page @param {string} action @param {Fields} fields @param {string} target */
const form = (page, action, fields, target) =>
  page.evaluate(
    ([action, fields, target]) => {
      const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
      document.body.innerHTML = `<iframe name="frame"></iframe><form method="post" action="${action}" target="${target}">${inputs.join("")}</form>`;
      document.forms[0]?.submit();
    },
    /** @type {const} */ ([action, fields, target]),
  );

/** @param {Page} page @param {string} url @param {Fields} fields */
const script = (page, url, fields) =>
  page.evaluate(
    ([url, fields]) => void fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(fields) }).catch(() => {}),
    /** @type {const} */ ([url, fields]),
  );

/** Loads something as a part of the page. @param {"img" | "iframe"} tag */
const part = (tag) => (/** @type {Page} */ page, /** @type {string} */ url) =>
  page.evaluate(([tag, url]) => document.body.append(Object.assign(document.createElement(tag), { src: url })), /** @type {const} */ ([tag, url]));

/** A page that this is said of has no origin: its forms say "null". */
const SANDBOX = "sandbox allow-forms allow-scripts";

/**
 * Everything a page can do: from which page, by which method, how.
 * @type {Record<string, [string, "POST" | "GET", (page: Page, url: string, fields: Fields) => Promise<unknown>]>}
 */
const WAYS = {
  "a form": ["/", "POST", (page, url, fields) => form(page, url, fields, "_self")],
  "a form in a frame": ["/", "POST", (page, url, fields) => form(page, url, fields, "frame")],
  "a form without an origin": ["/sandbox", "POST", (page, url, fields) => form(page, url, fields, "_self")],
  "a script": ["/", "POST", script],
  "a script without an origin": ["/sandbox", "POST", script],
  "an image": ["/", "GET", part("img")],
  "a frame": ["/", "GET", part("iframe")],
  "a link": ["/", "GET", (page, url) => page.evaluate((url) => void location.assign(url), url)],
};

/** Those after which the page shows the answer. */
const LEAVING = ["a form", "a form without an origin", "a link"];

/** How often the server has turned another site away: a browser does not tell all of it. @param {import("../harness/server.js").Server} server */
const refused = async ({ origin }) => {
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  return Number(/^duet_http_rejected_total\{reason="cross_site"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
};

// Another port of the same host is another origin of the same site: cookies go there, and only the server can tell.
for (const host of ["127.0.0.1", "localhost"]) {
  claim(`a page at another port of ${host} changes nothing, whatever it sends`, async ({ browser, person, server }) => {
    const [abhi, anny] = [await person(), await person()];
    const { one } = await meet(abhi, anny);
    await say(anny.page, "Hello");
    await message(abhi.page, "Hello").waitFor();
    const elsewhere = createServer(({ url }, response) => {
      if (url === "/sandbox") response.setHeader("Content-Security-Policy", SANDBOX);
      response.setHeader("Content-Type", "text/html").end("<!doctype html><title>Elsewhere</title><body>");
    });
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (elsewhere.address());
    // Somebody's cookies in a browser that is not watched for complaints.
    const visitor = await browser.newContext();
    try {
      await visitor.addCookies(await abhi.context.cookies());
      const cookies = await visitor.cookies();
      let asSomebody = 0;
      const page = await visitor.newPage();
      for (const [path, fields] of actions(one.chat)) {
        const url = `${server.origin}${path}`;
        for (const [way, [from, method, send]] of Object.entries(WAYS)) {
          await page.goto(`http://${host}:${port}${from}`);
          const before = await refused(server);
          const asked = page.waitForRequest((request) => request.url() === url && request.method() === method);
          await send(page, url, fields);
          asSomebody += Number(/duet=/.test((await (await asked).allHeaders())["cookie"] ?? ""));
          if (LEAVING.includes(way)) await page.waitForURL(url);
          // A link may lead anywhere; that looking changes nothing shows below.
          if (way !== "a link") await until(`${path} by ${way} is refused`, async () => (await refused(server)) > before);
        }
      }
      if (host === "127.0.0.1") assert.ok(asSomebody > 0, "no cookie went along");
      assert.deepEqual(await visitor.cookies(), cookies);
    } finally {
      await visitor.close();
      elsewhere.closeAllConnections();
      elsewhere.close();
    }
    await say(abhi.page, "Still here");
    await message(anny.page, "Still here").waitFor();
    assert.deepEqual(await texts(anny.page), ["Hello", "Still here"]);
    await abhi.page.reload();
    await inChat(abhi.page);
  });
}
