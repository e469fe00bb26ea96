// What a page of another site can do to somebody who is in a chat: link to it.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { Elsewhere } from "../harness/elsewhere.js";
import { inChat, meet, message, say, texts } from "../harness/flows.js";
import { until } from "../harness/until.js";

share();

const UUID = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11";
/** Another port of the host is the same site: cookies go there, and only we can tell it from ourselves. */
const HOSTS = ["127.0.0.1", "localhost"];

/** Everything that can be done from inside or at the door, as a form sends it. @param {string} chat */
const actions = (chat) => {
  const link = chat.replace(/\/\d$/, "");
  return [
    [`${chat}/message_send`, { message: "not mine" }],
    [`${chat}/receipt`, { delivered: "1", read: "1" }],
    [`${chat}/typing`, {}],
    [`${chat}/answer`, { ask: UUID, allow: "true" }],
    [`${chat}/device`, {}],
    [`${chat}/return_code`, {}],
    [`${chat}/sessions/end`, { id: UUID }],
    [`${chat}/logout`, {}],
    [`${chat}/endchat`, {}],
    [`${link}/login`, { user: "Anny" }],
    [`${link}/login/ask`, { user: "Anny" }],
    ["/demo/chat/register", { userOne: "Eve", userTwo: "Bob" }],
    ["/demo/chat/preferences", { theme: "dark" }],
  ];
};

/**
 * Two people talk, one of them visits a page elsewhere, and then nothing has changed.
 * @param {import("../harness/claim.js").World} world
 * @param {string} host
 * @param {(visited: { page: import("playwright-core").Page, chat: string, elsewhere: Elsewhere, answers: import("playwright-core").Response[] }) => Promise<void>} visit
 */
async function unmoved({ person, server }, host, visit) {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  await say(anny.page, "Hello");
  await message(abhi.page, "Hello").waitFor();
  const elsewhere = await Elsewhere.start(host, "<!doctype html><title>Elsewhere</title><p>Nothing to see");
  abhi.expectElsewhere(elsewhere.origin);
  abhi.expectStatus(403);
  const cookies = async () => (await abhi.context.cookies()).map(({ name, value, path }) => `${path} ${name}=${value}`).sort();
  const before = await cookies();
  /** @type {import("playwright-core").Response[]} */
  const answers = [];
  const page = await abhi.context.newPage();
  page.on("response", (response) => {
    if (response.url().startsWith(server.origin)) answers.push(response);
  });
  try {
    await page.goto(elsewhere.origin);
    await visit({ page, chat: `${server.origin}${one.chat}`, elsewhere, answers });
  } finally {
    await elsewhere.stop();
  }
  await page.close();
  assert.deepEqual(await cookies(), before);
  await say(abhi.page, "Still here");
  await message(anny.page, "Still here").waitFor();
  assert.deepEqual(await texts(anny.page), ["Hello", "Still here"]);
  await abhi.page.reload();
  await inChat(abhi.page);
}

/** Whether a request brought the seat's cookie along: otherwise nothing was tried. @param {import("playwright-core").Response} answer */
const asSomebody = async (answer) => /duet=/.test((await answer.request().allHeaders()).cookie ?? "");

for (const host of HOSTS) {
  claim(`forms of a page at ${host} do nothing, in a frame or as the whole page`, async (world) => {
    await unmoved(world, host, async ({ page, chat, elsewhere, answers }) => {
      const origin = new URL(chat).origin;
      for (const [path, fields] of actions(new URL(chat).pathname)) {
        for (const target of ["_self", "frame", "sandbox"]) {
          const answered = page.waitForResponse((response) => response.url() === `${origin}${path}` && response.request().method() === "POST");
          await page.evaluate(
            ({ action, fields, target }) => {
              const frame = document.createElement("iframe");
              frame.name = "frame";
              const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
              const form = `<form method="post" action="${action}" target="${target === "sandbox" ? "_self" : target}">${inputs.join("")}</form>`;
              if (target === "sandbox") {
                // Has no origin at all: it says "null".
                frame.sandbox.add("allow-forms", "allow-scripts");
                frame.srcdoc = `${form}<script>document.forms[0].submit()</script>`;
                document.body.append(frame);
                return;
              }
              document.body.append(frame);
              document.body.insertAdjacentHTML("beforeend", form);
              document.forms[0].submit();
            },
            { action: `${origin}${path}`, fields, target },
          );
          assert.equal((await answered).status(), 403, `${path} in ${target}`);
          await page.goto(elsewhere.origin);
        }
      }
      if (host === "127.0.0.1") assert.ok((await Promise.all(answers.map(asSomebody))).some(Boolean), "no cookie was sent");
    });
  });

  claim(`scripts, images and streams of a page at ${host} do nothing and read nothing`, async (world) => {
    await unmoved(world, host, async ({ page, chat, answers }) => {
      const origin = new URL(chat).origin;
      const paths = actions(new URL(chat).pathname);
      const read = await page.evaluate(
        async ({ origin, chat, paths }) => {
          /** @type {string[]} */
          const read = [];
          for (const [path, fields] of paths) {
            const url = `${origin}${path}`;
            const body = new URLSearchParams(fields);
            for (const mode of /** @type {const} */ (["cors", "no-cors"])) {
              const ask = async (/** @type {RequestInit} */ init) => {
                const answer = await fetch(url, { mode, credentials: "include", ...init }).catch(() => undefined);
                if (answer && answer.type !== "opaque") read.push(`${url} by ${init.method}`);
              };
              await ask({ method: "POST", body });
              await ask({ method: "GET" });
              if (mode === "cors") await ask({ method: "POST", body: JSON.stringify(fields), headers: { "Content-Type": "application/json" } });
            }
            navigator.sendBeacon(url, body);
          }
          for (const leaf of ["", "/messages", "/stream", "/sessions", "/logout", "/endchat", "/download"]) {
            for (const tag of ["img", "script", "embed", "iframe", "video"]) {
              const element = /** @type {HTMLImageElement} */ (document.createElement(tag));
              const settled = new Promise((resolve) => {
                element.onload = element.onerror = resolve;
                setTimeout(resolve, 2000);
              });
              element.src = `${chat}${leaf}`;
              document.body.append(element);
              await settled;
            }
          }
          const source = new EventSource(`${chat}/stream`, { withCredentials: true });
          await new Promise((resolve) => {
            source.onopen = () => resolve(read.push("the stream"));
            source.onerror = resolve;
          });
          source.close();
          return read;
        },
        { origin, chat, paths },
      );
      assert.deepEqual(read, []);
      await until("every request is answered", () => answers.length > paths.length);
      // A frame that was refused shows the browser's own page, or our refusal; never the chat.
      for (const frame of page.frames().slice(1)) assert.equal(await frame.locator("#messages").count().catch(() => 0), 0);
      for (const answer of answers) {
        const preflight = answer.request().method() === "OPTIONS";
        assert.ok(answer.status() === 403 || preflight, `${answer.request().method()} ${answer.url()}: ${answer.status()}`);
      }
      if (host === "127.0.0.1") assert.ok((await Promise.all(answers.map(asSomebody))).some(Boolean), "no cookie was sent");
    });
  });
}

claim("a link from elsewhere opens the chat, changes nothing and keeps no hold on it", async (world) => {
  await unmoved(world, "localhost", async ({ page, chat }) => {
    for (const leaf of ["", "/logout", "/endchat", "/sessions"]) {
      const [opened] = await Promise.all([
        page.context().waitForEvent("page"),
        page.evaluate((url) => void window.open(url), `${chat}${leaf}`),
      ]);
      await opened.waitForLoadState();
      assert.equal(opened.url(), `${chat}${leaf}`);
      assert.equal(await opened.evaluate(() => window.opener), null);
      await opened.close();
    }
  });
});

claim("who leaves a chat for another site does not tell it where from", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const elsewhere = await Elsewhere.start("127.0.0.1", "<!doctype html><title>Elsewhere</title>");
  abhi.expectElsewhere(elsewhere.origin);
  try {
    await abhi.page.evaluate((url) => void location.assign(url), `${elsewhere.origin}/there`);
    await abhi.page.waitForURL(`${elsewhere.origin}/there`);
    const visit = elsewhere.visits.find(({ url }) => url === "/there");
    assert.deepEqual(visit, { url: "/there", referrer: undefined });
  } finally {
    await elsewhere.stop();
  }
});
