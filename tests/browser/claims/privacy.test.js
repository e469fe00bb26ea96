// What a page tells to those who have not come in, and what stands around every page.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, join, meet, meetByForms, message, register, say } from "../harness/flows.js";

share();

/** Everything a link robot reads. @param {string} page */
const preview = (page) => [...page.matchAll(/<title>.*?<\/title>|<meta [^>]*>/g)].map(([tag]) => tag).join("\n");

claim("titles and previews carry no name and no hash before one is in", async ({ person, server }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link, one } = await meet(abhi, anny, { you: "Abhirama", peer: "Annikki" });
  const hash = new URL(link).pathname.split("/").at(-1) ?? "";
  for (const path of ["/demo/chat/register", "/demo/chat/register?ended", new URL(link).pathname, one.chat, `${one.chat}/invite`, `${one.chat}/endchat`]) {
    const answer = await fetch(`${server.origin}${path}`, { headers: { Accept: "text/html" } });
    const page = await answer.text();
    assert.doesNotMatch(page, /Abhirama|Annikki/, path);
    assert.ok(!preview(page).includes(hash), `${path} shows the hash in its preview`);
    assert.match(page, /<meta property="og:title"/);
  }
});

/** Nothing but one's own, and no code or style inside a page. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; media-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

claim("every page forbids what it does not need", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  anny.expectStatus(401);
  /** @type {Map<string, Record<string, string>>} */
  const pages = new Map();
  for (const { context } of [abhi, anny]) {
    context.on("response", (response) => {
      if (response.request().isNavigationRequest() && response.status() !== 303) pages.set(response.url(), response.headers());
    });
  }
  const { one } = await meetByForms(abhi, anny);
  await abhi.page.goto(`${one.chat}/sessions`);
  await anny.page.goto(one.chat);
  assert.ok(pages.size >= 5);
  for (const [url, headers] of pages) {
    const csp = headers["content-security-policy"];
    assert.equal(csp, CSP, url);
    assert.equal(headers["referrer-policy"], "same-origin", url);
    assert.equal(headers["x-content-type-options"], "nosniff", url);
    assert.match(headers["x-robots-tag"] ?? "", /noindex/, url);
    assert.match(headers["cache-control"] ?? "", /no-store/, url);
  }
});

claim("a robot that looks at every address changes nothing", async ({ person, server }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link, chat } = await register(abhi);
  const cookies = (await abhi.context.cookies(`${server.origin}${chat}`)).map(({ name, value }) => `${name}=${value}`).join("; ");
  for (const leaf of ["", "/invite", "/logout", "/endchat", "/sessions", "/device", "/return_code", "/message_send", "/answer"]) {
    for (const method of ["GET", "HEAD"]) await fetch(`${server.origin}${chat}${leaf}`, { method, headers: { Cookie: cookies, Accept: "text/html" } });
  }
  for (const method of ["GET", "HEAD"]) await fetch(link, { method });
  await join(anny, link);
  await say(anny.page, "My seat was free");
  await abhi.page.goto(chat);
  await inChat(abhi.page);
  await message(abhi.page, "My seat was free").waitFor();
});

claim("cookies cannot be read by scripts, and belong to their seat alone", async ({ person, server }) => {
  const both = await person();
  const { link, chat } = await register(both);
  const second = await both.context.newPage();
  await join({ page: second }, link);
  const all = await both.context.cookies();
  assert.ok(all.length >= 3);
  for (const { name, httpOnly, sameSite, path } of all) {
    assert.ok(httpOnly, name);
    assert.equal(sameSite, "Lax", name);
    if (name === "duet") assert.match(path, /\/demo\/chat\/user\/[^/]+\/[12]$/);
  }
  const tokens = async (/** @type {string} */ path) =>
    (await both.context.cookies(`${server.origin}${path}`)).filter(({ name }) => name === "duet").map(({ value }) => value);
  const [one, two] = [await tokens(chat), await tokens(chat.replace(/1$/, "2"))];
  assert.equal(one.length, 1);
  assert.equal(two.length, 1);
  assert.notEqual(one[0], two[0]);
  assert.equal(await second.evaluate(() => document.cookie), "");
});
