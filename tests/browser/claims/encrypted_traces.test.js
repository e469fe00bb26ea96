// What leaves the page of an encrypted chat, and what stays in the browser: neither a text, nor the link's secret, nor a key.

import assert from "node:assert/strict";
import { createHash, hkdfSync } from "node:crypto";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { begin, choose, downloaded, endForBoth, enter, knock, letIn, message, opened, say, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { remains } from "../harness/remains.js";
import { addresses, trace } from "../harness/trace.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */

shareBehindRelay({ whole: true });

/** A word that is in every text. */
const MARKER = "wisteria";

/** As bytes may be written: in hexadecimal digits, in both kinds of base64, as a list of numbers, as they are. @param {Buffer} bytes */
function spellings(bytes) {
  const base64 = bytes.toString("base64");
  return [bytes.toString("hex"), base64.replace(/=+$/, ""), bytes.toString("base64url"), [...bytes].join(","), bytes.toString("latin1")];
}

/** Base64 of a word wherever it stands in a text: what does not depend on the letters around it. @param {string} word */
const inBase64 = (word) =>
  [0, 1, 2].map((before) => {
    const spelled = Buffer.from(" ".repeat(before) + word).toString("base64url");
    return spelled.slice(before && before + 1, -2);
  });

/** What nobody but the two may know of a chat. @param {string} link */
function secrets(link) {
  const [address, fragment] = link.split("#v1.");
  const hash = address.split("/").at(-1) ?? "";
  const secret = Buffer.from(fragment, "base64url");
  const salt = createHash("sha256").update(`duet/v1${hash}`).digest();
  const key = (/** @type {string} */ info) => Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
  return {
    texts: [MARKER, ...inBase64(MARKER), encodeURIComponent(MARKER)],
    secret: spellings(secret),
    keys: ["seat 1", "seat 2"].flatMap((info) => spellings(key(info))),
    /** What the server gets as the proof of having the link. */
    proof: key("auth").toString("base64url"),
  };
}

claim("a whole encrypted conversation sends no text, secret or key, and leaves none in the browser", async ({ person, relay, server }) => {
  const options = { permissions: ["notifications", "clipboard-read", "clipboard-write"] };
  const people = [await person(options), await person(options), await person(options), await person(options)];
  const [abhi, anny, phone, lost] = people;
  for (const one of people) {
    one.expectStatus(401, 409, 410, 413, 503);
    one.expectOutage();
  }
  const traces = (await Promise.all(people.map(trace))).flatMap((one) => [one]);
  /** @type {string[]} */
  const visited = [];
  const look = async (/** @type {Page} */ page) => void visited.push(page.url(), ...(await addresses(page)));

  const { link, code, chat } = await begin(abhi);
  await look(abhi.page);
  await say(abhi.page, `${MARKER} before you came`);
  await untilTick(abhi.page, `${MARKER} before you came`, "Sent");
  await enter(anny, link);
  await look(anny.page);
  await message(anny.page, "before you came").waitFor();
  await say(anny.page, `${MARKER} answered`);
  await message(abhi.page, "answered").waitFor();

  // A second tab, which is told by the first.
  const second = await abhi.tab(chat);
  await message(second, "answered").waitFor();

  // Notifications.
  await choose(anny.page, "Notifications");
  await anny.page.locator("#notifications[aria-pressed=true]").waitFor({ state: "attached" });
  await setHidden(anny.page, true);
  await say(abhi.page, `${MARKER} while you look away`);
  await until("a notification", () => traces[1].some(({ what }) => what === "notification"));
  await setHidden(anny.page, false);

  // A send that fails for good, and is tried again; one that waits for the network, with a draft below it, through a reload.
  await abhi.page.route("**/message_send", (route) =>
    route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "" } } }),
  );
  await say(abhi.page, `${MARKER} not taken at first`);
  await message(abhi.page, "not taken at first").and(abhi.page.locator('[data-state="failed"]')).waitFor();
  await abhi.page.unroute("**/message_send");
  await message(abhi.page, "not taken at first").locator("[data-delete]").click();
  await abhi.page.route("**/message_send", (route) => route.fulfill({ status: 400, json: { data: { status: "Failed", code: 400, error: "invalid", message: "" } } }));
  abhi.expectStatus(400);
  await say(abhi.page, `${MARKER} tried again`);
  await message(abhi.page, "tried again").and(abhi.page.locator('[data-state="failed"]')).waitFor();
  await abhi.page.unroute("**/message_send");
  await message(abhi.page, "tried again").locator("[data-delete]").click();
  await abhi.context.setOffline(true);
  await say(abhi.page, `${MARKER} while the network is away`);
  await abhi.page.getByLabel("Message", { exact: true }).pressSequentially(`${MARKER} a draft`);
  await until("both are kept", () => traces[0].filter(({ what, value }) => what === "storage" && /duet:(draft|outbox)/.test(value)).length > 1);
  await abhi.context.setOffline(false);
  await message(anny.page, "while the network is away").waitFor();
  abhi.page.on("dialog", (dialog) => dialog.accept());
  await abhi.page.reload();
  await opened(abhi.page);
  await untilIs("the draft", () => abhi.page.getByLabel("Message", { exact: true }).inputValue(), `${MARKER} a draft`);
  await abhi.page.getByLabel("Message", { exact: true }).press("Enter");
  await message(anny.page, `${MARKER} a draft`).waitFor();

  // Older messages and files.
  for (let line = 1; line <= 55; line++) await say(anny.page, `${MARKER} line ${line}`);
  await message(abhi.page, `${MARKER} line 55`).waitFor();
  await abhi.page.reload();
  await opened(abhi.page);
  await until("older messages", async () => {
    await abhi.page.locator("#history").hover();
    await abhi.page.mouse.wheel(0, -4_000);
    return message(abhi.page, "before you came").count();
  });
  for (const form of ["text", "JSON"]) {
    const file = await downloaded(anny.page, async () => {
      await choose(anny.page, "Download…");
      await anny.page.getByRole("link", { name: `Download as ${form}` }).click();
    });
    assert.ok(file.includes(`${MARKER} line 55`), "the file is for the person, and opened");
  }

  // Another device, and somebody who is let in.
  await choose(anny.page, "Open on another device");
  const device = await until("the link for the device", () => anny.page.locator("#device-link").inputValue(), (link) => link.includes("#v1."));
  await look(anny.page);
  await phone.page.goto(device);
  await phone.page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(phone.page);
  await look(phone.page);
  await phone.page.close();
  await anny.page.goto("about:blank");
  await knock(lost.page, link, "Anny");
  await lost.page.getByRole("button", { name: "Ask to be let in" }).click();
  await letIn(abhi.page, lost.page);
  await opened(lost.page);
  await look(lost.page);
  await say(lost.page, `${MARKER} it is me`);
  await message(abhi.page, "it is me").waitFor();

  // Out and in again, and the end.
  await choose(abhi.page, "Log out");
  await abhi.page.getByRole("dialog").getByRole("button", { name: "Log out" }).click();
  await abhi.page.getByText("You are logged out").waitFor();
  await abhi.page.goto(link);
  await abhi.page.getByLabel("Your name").fill("Abhi");
  await abhi.page.getByText("I have a code").click();
  await abhi.page.getByLabel("Return code").fill(code);
  await abhi.page.getByRole("button", { name: "Enter", exact: true }).click();
  await opened(abhi.page);
  await message(abhi.page, "it is me").waitFor();
  await endForBoth(abhi.page);
  for (const page of [abhi.page, lost.page]) await page.getByText("The chat has ended").first().waitFor();
  await look(abhi.page);
  await anny.page.goto(chat.replace(/1$/, "2"));
  for (const one of [abhi, anny, lost]) await untilIs("what is left", () => remains(one), []);

  const { texts, secret, keys, proof } = secrets(link);
  const all = [...texts, ...secret, ...keys];
  /** @param {string} where @param {string} written @param {string[]} hidden */
  const search = (where, written, hidden) => {
    for (const word of hidden) assert.ok(!written.includes(word), `${where} holds "${word}": ${written.slice(0, 400)}`);
  };
  // What the server was sent, head and body.
  const asked = relay.asked.map(({ method, path, head, body }) => `${method} ${decodeURIComponent(path)}\n${path}\n${head}\n${body}`);
  for (const one of asked) search("a request", one, all);
  for (const leaf of ["message_send", "typing", "receipt", "device", "login/ask", "answer", "logout", "endchat", "messages?before=", "stream?after="]) {
    assert.ok(asked.some((one) => one.includes(leaf)), `nothing was sent to ${leaf}: this looks in the wrong place`);
  }
  assert.ok(asked.some((one) => one.includes(proof)), "the proof of the link is sent");
  search("the server's log", server.log, [...all, proof]);
  for (const url of visited) search("an address", url, all);
  // What was written in the browsers. The database of keys holds the secret, and nothing else that is hidden.
  const kept = traces.flat();
  for (const { what, value } of kept) {
    if (what === "database links") search(what, value, [...texts, ...keys]);
    else if (what !== "key made") search(what, value, all);
    assert.notEqual(what, "key given out");
    if (what === "key made") assert.equal(value, '["CryptoKey, extractable: false"]');
  }
  for (const what of ["storage", "database links", "history", "title", "notification", `channel duet:${chat}`, "key made"]) {
    assert.ok(kept.some((one) => one.what === what), `nothing was written to ${what}: this looks in the wrong place`);
  }
  assert.ok(kept.some(({ what, value }) => what === "database links" && value.includes(secret[0])), "the secret is kept as bytes");
});
