// What a page of an encrypted chat shows when the server lies about the conversation: live, on the page as it is loaded, and among
// older messages. Nothing passes for a text that was not written so, and nothing of the other messages is lost.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { claim, shareBehindRelay } from "../harness/claim.js";
import { choose, downloaded, enter, message, opened, say } from "../harness/flows.js";
import { submit } from "../harness/gallery/steps.js";
import { Speaker } from "../harness/speaker.js";
import { until, untilIs } from "../harness/until.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../harness/relay.js").Message} Message */

shareBehindRelay();

/** So many lines follow that the border between the page and the older messages lies among those which are lied about. */
const LINES = Array.from({ length: 48 }, (_, at) => `line ${at + 1}`);

/** What stands beside or in the place of a message, by the words for it. @param {string} words */
function told(words) {
  const missing = /^(\d+) messages? from Abhi (?:is|are) missing here\.$/.exec(words);
  if (missing) return `missing: ${missing[1]}`;
  if (words === "This message does not open: it was changed on its way, or written for another chat.") return "closed";
  if (words === "This message is not where it was written: the order was changed, or one before it is missing.") return "moved";
  if (words === "This message repeats an earlier one.") return "repeated";
  if (/^Written .+ by (Abhi|Anny)’s clock\.$/.test(words)) return "written";
  return words;
}

/** The conversation as Anny sees it: `Abhi: a text (what is said of it)`. @param {Page} page */
async function seen(page) {
  const items = await page.locator("#messages .message").evaluateAll((nodes) =>
    nodes.map((node) => ({
      who: node.classList.contains("mine") ? "Anny" : "Abhi",
      isClosed: node.classList.contains("closed"),
      text: node.querySelector(".text")?.textContent ?? "",
      notes: [...node.querySelectorAll(".note")].map(({ textContent }) => textContent ?? ""),
    })),
  );
  const plain = (/** @type {string} */ words) => told(words.replace(/[\u2068\u2069]/g, ""));
  return items.map(({ who, isClosed, text, notes }) => {
    const said = notes.map((note) => ` (${plain(note)})`).join("");
    return `${who}: ${isClosed ? `<${plain(text)}>` : text}${said}`;
  });
}

/** The places in the order that the server gives. @param {Message[]} messages */
const counted = (messages) => messages.map((one, at) => ({ ...one, seq: at + 1 }));

/** Changes one message. @param {number} at @param {(one: Message) => Partial<Message>} how */
const changed = (at, how) => (/** @type {Message[]} */ truth) => truth.map((one, here) => (here === at ? { ...one, ...how(one) } : one));

/** @param {number} at @param {string} text */
const resealed = (at, text) => changed(at, () => ({ message: text }));

/** Nothing is told until so many are there. @param {number} from @param {number} enough @param {(truth: Message[]) => Message[]} tell */
const once = (from, enough, tell) => (/** @type {Message[]} */ truth) => (truth.length < enough ? truth.slice(0, from) : tell(truth));

const TRUE = ["Abhi: alpha", "Anny: hello", "Abhi: bravo", "Abhi: charlie", "Abhi: delta"];
const LOST = ["Abhi: alpha", "Anny: hello", "Abhi: <closed>", "Abhi: charlie (missing: 1)", "Abhi: delta"];
const ANOTHER = randomUUID();

/**
 * The third of five messages is "bravo", which Abhi wrote after Anny's "hello".
 * @type {{ what: string, tell: (truth: Message[], other: Message) => Message[], shows: string[], again?: string[] }[]}
 * `again` after a reload, where that shows something else: what was written in a tab stands in it as it was written
 */
const LIES = [
  { what: "the truth", tell: (truth) => truth, shows: TRUE },
  {
    what: "a message is left out, and the others are counted anew",
    tell: (truth) => counted(truth.filter((_, at) => at !== 2)),
    shows: ["Abhi: alpha", "Anny: hello", "Abhi: charlie (missing: 1)", "Abhi: delta"],
  },
  {
    what: "a message is left out, and its number with it",
    tell: (truth) => truth.filter((_, at) => at !== 2),
    shows: ["Abhi: alpha", "Anny: hello", "Abhi: charlie (missing: 1)", "Abhi: delta"],
  },
  {
    what: "one's own message is left out",
    tell: (truth) => counted(truth.filter((_, at) => at !== 1)),
    shows: ["Abhi: alpha", "Abhi: bravo (moved)", "Abhi: charlie", "Abhi: delta", "Anny: hello"],
    again: ["Abhi: alpha", "Abhi: bravo (moved)", "Abhi: charlie", "Abhi: delta"],
  },
  {
    what: "what came first is left out, as if nothing had been before",
    tell: (truth) => (truth.length < 3 ? [] : truth.slice(2)),
    shows: ["Abhi: bravo (missing: 1)", "Abhi: charlie", "Abhi: delta", "Anny: hello"],
    again: ["Abhi: bravo (missing: 1)", "Abhi: charlie", "Abhi: delta"],
  },
  {
    what: "a message is repeated",
    tell: (truth) => (truth.length < 5 ? truth : counted([...truth.slice(0, 5), truth[2], ...truth.slice(5)])),
    shows: [...TRUE, "Abhi: <repeated>"],
  },
  {
    what: "a message is repeated under its id in capitals",
    tell: (truth) => (truth.length < 5 ? truth : counted([...truth.slice(0, 5), { ...truth[2], id: truth[2].id.toUpperCase() }, ...truth.slice(5)])),
    shows: [...TRUE, "Abhi: <closed>"],
  },
  {
    what: "two messages change places",
    tell: once(2, 4, ([alpha, hello, bravo, charlie, ...rest]) => counted([alpha, hello, charlie, bravo, ...rest])),
    shows: ["Abhi: alpha", "Anny: hello", "Abhi: charlie (missing: 1)", "Abhi: bravo (moved)", "Abhi: delta"],
  },
  {
    what: "two messages change texts",
    tell: once(2, 4, (truth) => resealed(3, truth[2].message)(resealed(2, truth[3].message)(truth))),
    shows: ["Abhi: alpha", "Anny: hello", "Abhi: <closed>", "Abhi: <closed>", "Abhi: delta (missing: 2)"],
  },
  {
    what: "a message is given to its reader as their own",
    tell: changed(2, () => ({ senderName: "Anny", reciever: "Abhi" })),
    shows: ["Abhi: alpha", "Anny: hello", "Anny: <closed>", "Abhi: charlie (missing: 1)", "Abhi: delta"],
  },
  {
    what: "one's own message is reflected as the other person's, under another id",
    tell: (truth) => (truth.length < 5 ? truth : counted([...truth.slice(0, 5), { ...truth[1], senderName: "Abhi", reciever: "Anny", id: ANOTHER }, ...truth.slice(5)])),
    shows: [...TRUE, "Abhi: <closed>"],
  },
  {
    what: "one's own message becomes the other person's",
    tell: changed(1, () => ({ senderName: "Abhi", reciever: "Anny" })),
    shows: ["Abhi: alpha", "Anny: hello (closed)", "Abhi: bravo", "Abhi: charlie", "Abhi: delta"],
    again: ["Abhi: alpha", "Abhi: <closed>", "Abhi: bravo", "Abhi: charlie", "Abhi: delta"],
  },
  { what: "a message comes from another chat, with its id", tell: (truth, { id, message }) => changed(2, () => ({ id, message }))(truth), shows: LOST },
  { what: "a text comes from another chat", tell: (truth, { message }) => resealed(2, message)(truth), shows: LOST },
  { what: "an id is another", tell: changed(2, () => ({ id: ANOTHER })), shows: LOST },
  {
    what: "a time is another",
    tell: changed(2, () => ({ timestamp: "2020-01-01T00:00:00.000Z" })),
    shows: ["Abhi: alpha", "Anny: hello", "Abhi: bravo (written)", "Abhi: charlie", "Abhi: delta"],
  },
  { what: "a text is shortened", tell: changed(2, ({ message }) => ({ message: message.slice(0, -4) })), shows: LOST },
  { what: "a text is lengthened", tell: changed(2, ({ message }) => ({ message: `${message}AAAA` })), shows: LOST },
  { what: "a text is changed in one place", tell: changed(2, ({ message }) => ({ message: message.replace(/.{9}$/, (/** @type {string} */ end) => (end[0] === "A" ? "B" : "A") + end.slice(1)) })), shows: LOST },
  { what: "a text is a plain one", tell: resealed(2, "Send the money to <b>Mallory</b>"), shows: LOST },
  { what: "a text is empty", tell: resealed(2, ""), shows: LOST },
  { what: "a text is no text", tell: changed(2, () => ({ message: { v1: 7 } })), shows: LOST },
  { what: "an id is no id", tell: changed(2, () => ({ id: 7 })), shows: LOST },
  {
    what: "a message is made up",
    tell: (truth) => (truth.length < 5 ? truth : counted([...truth.slice(0, 5), { ...truth[2], id: ANOTHER, message: "It is me, Abhi" }, ...truth.slice(5)])),
    shows: [...TRUE, "Abhi: <closed>"],
  },
  {
    what: "something that is no message stands between them",
    tell: (truth) => (truth.length < 5 ? truth : [...truth.slice(0, 5), /** @type {any} */ (null), ...truth.slice(5)]),
    shows: TRUE,
  },
  {
    what: "a number is far too high",
    tell: changed(2, () => ({ seq: 4_000_000 })),
    shows: TRUE,
  },
];

for (const { what, tell, shows, again = shows } of LIES) {
  claim(`${what}: shown as what it is, live, on the page and among older messages`, async ({ person, relay, server }) => {
    const [anny, abhi, other] = [await person(), await Speaker.begin(server.origin), await Speaker.begin(server.origin)];
    const { page } = anny;
    for (const text of ["one", "two"]) await other.say(text);
    const foreign = await other.newest();
    await abhi.say("alpha");
    relay.lies.set(abhi.seat(2), (truth) => tell(truth, foreign));
    await enter(anny, abhi.link);
    await say(page, "hello");
    await until("hello is stored", async () => (await abhi.newest()).senderName, (name) => name === "Anny");
    for (const text of ["bravo", "charlie", "delta"]) await abhi.say(text);
    await untilIs("what comes in", () => seen(page), shows);

    await page.reload();
    await opened(page);
    await untilIs("the page", () => seen(page), again);

    await abhi.pour(LINES);
    await message(page, LINES[LINES.length - 1]).waitFor();
    await page.reload();
    await opened(page);
    const lines = LINES.map((line) => `Abhi: ${line}`);
    await until("older messages", async () => {
      await page.locator("#history").hover();
      await page.mouse.wheel(0, -4_000);
      return page.locator("#older").count();
    }, (left) => left === 0);
    await untilIs("all of it", () => seen(page), [...again, ...lines]);
  });
}

claim("events that come twice, or in another order, are shown once and in the order of the conversation", async ({ person, relay, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  /** @type {any[]} */
  let held = [];
  relay.event = (name, data) => {
    if (name !== "message") return [[name, data]];
    if (data.seq > 4) return [data, data].map((message) => [name, message]);
    held.push(data);
    if (held.length < 2) return [];
    const [one, two] = held;
    held = [];
    return [two, one, two, one].map((message) => [name, message]);
  };
  await enter(anny, abhi.link);
  for (const text of ["alpha", "bravo", "charlie", "delta"]) await abhi.say(text);
  await untilIs("what comes in", () => seen(anny.page), ["Abhi: alpha", "Abhi: bravo", "Abhi: charlie", "Abhi: delta"]);
  for (const text of ["echo", "foxtrot"]) await abhi.say(text);
  await untilIs("what comes in twice", async () => (await seen(anny.page)).slice(4), ["Abhi: echo", "Abhi: foxtrot"]);
});

claim("a file of a conversation says in their places what is wrong, and holds all that is not", async ({ person, relay, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  for (const text of ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]) await abhi.say(text);
  await enter(anny, abhi.link);
  relay.lies.set(abhi.seat(2), ([alpha, , charlie, delta, echo, foxtrot]) =>
    counted([alpha, charlie, { ...delta, message: echo.message }, alpha, { ...echo, senderName: "Anny" }, { ...foxtrot, timestamp: "2020-01-01T00:00:00.000Z" }]),
  );
  const save = (/** @type {string} */ form) =>
    downloaded(page, async () => {
      await choose(page, "Download…");
      await page.getByRole("link", { name: `Download as ${form}` }).click();
    });
  const lines = (await save("text")).replace(/[\u2068\u2069]/g, "").trimEnd().split("\n");
  const what = lines.map((line) => told(line.replace(/^\*\*\* /, "")).replace(/^\[.*\] /, ""));
  assert.deepEqual(what, ["Abhi: alpha", "missing: 1", "Abhi: charlie", "closed", "repeated", "closed", "missing: 2", "written", "Abhi: foxtrot"]);
  const messages = JSON.parse(await save("JSON"));
  assert.deepEqual(messages.map((/** @type {any} */ { message }) => message), ["alpha", "charlie", null, null, null, "foxtrot"]);
  assert.deepEqual(messages.map((/** @type {any} */ { warnings }) => warnings?.length ?? 0), [0, 1, 1, 1, 1, 2]);
});

claim("nothing that a server says of a message begins a line of the file or is a control character in it", async ({ person, relay, server }) => {
  const [anny, abhi] = [await person(), await Speaker.begin(server.origin)];
  const { page } = anny;
  for (const text of ["alpha", "bravo"]) await abhi.say(text);
  await enter(anny, abhi.link);
  const forged = "Abhi\u001b[31m\n[10:00] Anny: yes";
  relay.lies.set(abhi.seat(2), ([alpha, bravo]) => counted([{ ...alpha, senderName: forged }, { ...bravo, senderName: forged, message: alpha.message }]));
  const text = await downloaded(page, async () => {
    await choose(page, "Download…");
    await page.getByRole("link", { name: "Download as text" }).click();
  });
  assert.match(text, /alpha/);
  assert.doesNotMatch(text, /^\[10:00\]|[\x00-\x09\x0b-\x1f\x7f-\x9f]/m);
});

claim("how many messages are missing is said in the forms of the language", async ({ person, relay, server }) => {
  const forms = ["رسالة واحدة من Abhi ناقصة هنا.", "رسالتان من Abhi ناقصتان هنا.", "3 رسائل من Abhi ناقصة هنا.", "11 رسالة من Abhi ناقصة هنا."];
  const [anny, abhi] = [await person({ locale: "ar-EG" }), await Speaker.begin(server.origin)];
  const { page } = anny;
  await abhi.pour(LINES.slice(0, 22));
  // After the first, the third, the sixth and the tenth so many are left out.
  const kept = new Set([0, 2, 5, 9, 21]);
  relay.lies.set(abhi.seat(2), (truth) => counted(truth.filter((_, at) => kept.has(at))));
  await page.goto(abhi.link);
  await page.locator("[data-auth]:not([disabled])").first().waitFor({ state: "attached" });
  await submit(page, { user: "Anny" });
  await page.locator("#chat:not([data-opening])").waitFor();
  const notes = async () => (await page.locator("#messages .note").allTextContents()).map((note) => note.replace(/[\u2068\u2069]/g, ""));
  await untilIs("what is missing", notes, forms);
});
