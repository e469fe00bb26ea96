// Writing, and what may be written.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, register, say, texts, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const field = (page) => page.getByLabel("Message", { exact: true });

claim("Enter sends, Shift and Enter break the line, and the field keeps its focus", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await field(abhi.page).focus();
  await abhi.page.keyboard.type("two");
  await abhi.page.keyboard.press("Shift+Enter");
  await abhi.page.keyboard.type("lines");
  await untilIs("the field", () => field(abhi.page).inputValue(), "two\nlines");
  await abhi.page.keyboard.press("Enter");
  await untilIs("what arrived", () => texts(anny.page), ["two\nlines"]);
  await untilIs("the field", () => field(abhi.page).inputValue(), "");
  await abhi.page.keyboard.type("and on");
  await abhi.page.getByRole("button", { name: "Send" }).click();
  await untilIs("what arrived", () => texts(anny.page), ["two\nlines", "and on"]);
  await until("the field has the focus", () => field(abhi.page).evaluate((node) => node === document.activeElement));
});

claim("an Enter that belongs to an input method does not send", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await field(abhi.page).fill("にほん");
  const enter = (/** @type {{ isComposing?: boolean, keyCode?: number }} */ how) =>
    field(abhi.page).evaluate((node, how) => {
      const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...how });
      if (how.keyCode) Object.defineProperty(event, "keyCode", { get: () => how.keyCode });
      node.dispatchEvent(event);
      return event.defaultPrevented;
    }, how);
  assert.equal(await enter({ isComposing: true }), false);
  assert.equal(await enter({ keyCode: 229 }), false);
  await untilIs("the field", () => field(abhi.page).inputValue(), "にほん");
  // As the browser itself composes.
  const keys = await abhi.context.newCDPSession(abhi.page);
  await field(abhi.page).focus();
  await keys.send("Input.imeSetComposition", { text: "ごはん", selectionStart: 3, selectionEnd: 3 });
  await abhi.page.keyboard.press("Enter");
  assert.deepEqual(await texts(abhi.page), []);
  await keys.send("Input.insertText", { text: "ごはん" });
  assert.equal(await enter({}), true);
  await untilTick(abhi.page, "にほん", "Seen");
  await untilIs("the number of texts", async () => (await texts(anny.page)).length, 1);
});

claim("a draft survives a reload, and blanks are not sent", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await say(abhi.page, "  \n ");
  await field(abhi.page).fill("Half a thou");
  await abhi.page.reload();
  await inChat(abhi.page);
  await untilIs("the draft", () => field(abhi.page).inputValue(), "Half a thou");
  await say(abhi.page, "Half a thought");
  await untilTick(abhi.page, "Half a thought", "Seen");
  await untilIs("the texts", () => texts(anny.page), ["Half a thought"]);
});

claim("what is too long is kept and told, and 16 KiB are sent whole", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  const whole = "ü".repeat(8 * 1024);
  await say(abhi.page, `${whole}!`);
  await abhi.page.locator("#complaint").getByText("Too long by 1 character.").waitFor();
  await untilIs("the field", () => field(abhi.page).inputValue(), `${whole}!`);
  await say(abhi.page, whole);
  await untilIs("what arrived", async () => (await texts(anny.page))[0]?.length, whole.length);
  await untilIs("the texts", () => texts(anny.page), [whole]);
  await untilIs("the complaint", () => abhi.page.locator("#complaint").isVisible(), false);
});

/** Texts that would like to be more than text. */
const HOSTILE = [
  "<script>document.title = 'taken over'</script>",
  "<img src=x onerror=\"document.title='taken over'\">",
  "</div></li></ol><h1>Not yours</h1>",
  "&lt;b&gt; &amp;amp; &#60;script&#62;",
  "javascript:alert(1)",
  "[click](javascript:alert(1)) data:text/html,<script>alert(1)</script>",
  "https://example.org/\"onmouseover=alert(1)//",
  "\u202Etxet desrever a\u202C and \u2067more\u2069",
  "zero\u200Bwidth\u200D\u2060joined\uFEFF",
  "{peer} {user} {n} ${peer} {{7*7}}",
  "__proto__",
  "`<b>code</b>` and ```\n<i>block</i>\n```",
  "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
];

for (const javaScriptEnabled of [true, false]) {
  claim(`hostile texts are shown as text, ${javaScriptEnabled ? "live and" : "without scripts,"} in the history`, async ({ person }) => {
    const [abhi, anny] = [await person(), await person({ javaScriptEnabled })];
    const { two } = await meet(abhi, anny);
    for (const text of HOSTILE) await say(abhi.page, text);
    await untilTick(abhi.page, HOSTILE.at(-1) ?? "", javaScriptEnabled ? "Seen" : "Sent");
    const expected = HOSTILE.map((text) => text.replace(/```\n([^]*?)\n```/g, "$1").replaceAll("`", ""));
    if (javaScriptEnabled) await untilIs("the texts", () => texts(anny.page), expected);
    await anny.page.goto(two.chat);
    await untilIs("the texts", () => texts(anny.page), expected);
    await untilIs("the title", () => anny.page.title(), "Abhi · duet");
    await untilIs("foreign elements", () => anny.page.locator("#messages script, #messages img, #messages b, #messages h1, #messages i").count(), 0);
    const links = await anny.page.locator("#messages a").evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.getAttribute("rel")]));
    assert.deepEqual(links, [["https://example.org/", "noreferrer noopener"]]);
    // A text with direction marks of its own leaves its surroundings as they are.
    const directions = await anny.page.locator("#messages .bubble").evaluateAll((all) => all.map((bubble) => bubble.getAttribute("dir")));
    assert.ok(directions.every((dir) => dir === "auto"));
    const wider = await anny.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wider <= 0, "the page scrolls sideways");
  });
}

claim("links, code and large emoji are set as such, live and in the history alike", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await say(abhi.page, "see https://example.org/a_(b). `let x`");
  await say(abhi.page, "🎉👩‍👩‍👧‍👦");
  await message(anny.page, "🎉").waitFor();
  const look = () =>
    anny.page.locator("#messages .text").evaluateAll((all) =>
      all.map((text) => [text.classList.contains("big"), [...text.querySelectorAll("a, code")].map((node) => node.textContent)]),
    );
  const expected = [[false, ["https://example.org/a_(b)", "let x"]], [true, []]];
  await untilIs("the look", look, expected);
  await anny.page.reload();
  await untilIs("the look", look, expected);
});

claim("a hostile name is shown as a name", async ({ person }) => {
  const [abhi, eve] = [await person(), await person()];
  const name = "<b onclick=x>{peer}</b>";
  await register(abhi, { peer: name });
  await abhi.page.getByText("Send this to").getByText(name).first().waitFor();
  await abhi.page.getByRole("link", { name: "Go to the chat" }).click();
  await untilIs("the name", () => abhi.page.locator("#peer").textContent(), name);
  assert.equal(await abhi.page.locator("main b").count(), 0);
  await untilIs("the title", () => abhi.page.title(), `${name} · duet`);
  await eve.page.goto("/");
  await until("the start page", () => eve.page.title(), (title) => !title.includes("peer"));
});

claim("blank lines around a text, as a phone's Enter leaves them, are not shown", async ({ person }) => {
  const [abhi, anny] = [await person({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } }), await person()];
  await meet(abhi, anny);
  for (const text of ["One\n", "\n\n  two\n\n  lines\n \n"]) {
    await abhi.page.getByLabel("Message", { exact: true }).fill(text);
    await abhi.page.getByRole("button", { name: "Send" }).tap();
  }
  const shown = ["One", "  two\n\n  lines"];
  for (const { page } of [anny, abhi]) {
    await untilIs("the texts as they came", () => texts(page), shown);
    await page.reload();
    await inChat(page);
    await untilIs("the texts of the page", () => texts(page), shown);
  }
});
