// The conversation as it stands on the page: who came, what failed, which time, which day, and where the reader is in it.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { installClock } from "../harness/clock.js";
import { inChat, join, knock, meet, message, openMySide, pour, register, say, tell, texts, untilTick } from "../harness/flows.js";
import { until, untilIs } from "../harness/until.js";

share();

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
const days = (page) => page.locator("#messages .day").allTextContents();

claim("who waits in an empty chat sees that the other person joined, and what to do", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { link } = await register(abhi);
  await openMySide(abhi);
  await abhi.page.getByText("Anny has not joined yet").waitFor();
  await join(anny, link);
  for (const one of [abhi, anny]) {
    await one.page.getByRole("heading", { name: "Say hello" }).waitFor();
    await one.page.getByText("Write the first message.").waitFor();
  }
  await untilIs("the link", () => abhi.page.locator("#link").count(), 0);
  await until("the line", () => abhi.page.locator("#messages .event").textContent(), (words) => /Anny.* joined · \d/.test(words ?? ""));
  await abhi.page.reload();
  await inChat(abhi.page);
  await until("the line, in the history", () => abhi.page.locator("#messages .event").textContent(), (words) => /Anny.* joined · \d/.test(words ?? ""));
});

claim("the reason stands under a message that failed, and Retry only where it can help", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(400, 409, 422, 500);
  await meet(abhi, anny);
  const { page } = abhi;
  const answers = [
    [409, "chat_full", "This chat is full. Download it and start a new one.", 0],
    [400, "invalid_field", "One character in it can’t be sent. Type it again by hand.", 0],
    [422, "other_text", "An earlier version of it was sent, and that one stays.", 0],
    [409, "something", "The server did not take it.", 1],
  ];
  for (const [status, error, reason, retries] of answers) {
    await page.route("**/message_send", (route) => route.fulfill({ status: Number(status), json: { data: { status: "Failed", code: status, error, message: "x" } } }));
    const words = `refused as ${error}`;
    await say(page, words);
    const item = message(page, words);
    await item.getByText(String(reason)).waitFor();
    await untilIs(`retries when ${words}`, () => item.getByRole("button", { name: "Retry" }).count(), retries);
    await untilIs("the ways to delete it", () => item.getByRole("button", { name: "Delete" }).count(), 1);
    await page.unroute("**/message_send");
  }
  await message(page, "refused as something").getByRole("button", { name: "Retry" }).click();
  await untilTick(page, "refused as something", "Seen");
  await message(page, "refused as chat_full").getByRole("button", { name: "Delete" }).click();
  await untilIs("what is left", async () => (await texts(page)).includes("refused as chat_full"), false);
});

claim("days follow the server's clock and the reader's midnight, and none stands empty", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  abhi.expectStatus(409);
  const { page } = abhi;
  // A browser that is more than a day behind.
  await installClock(page, { time: Date.now() - 26 * 3_600_000 });
  await meet(abhi, anny);
  await say(page, "first");
  await untilTick(page, "first", "Seen");
  await untilIs("the headings", () => days(page), ["today"]);
  await say(anny.page, "second");
  await message(page, "second").waitFor();
  await untilIs("the headings", () => days(page), ["today"]);
  await page.clock.fastForward("24:00:00");
  await untilIs("the heading after midnight", () => days(page), ["yesterday"]);
  // The only message of its day goes, and its heading with it.
  await page.route("**/message_send", (route) => route.fulfill({ status: 409, json: { data: { status: "Failed", code: 409, error: "chat_full", message: "" } } }));
  await say(page, "alone");
  await message(page, "alone").getByRole("button", { name: "Delete" }).waitFor();
  await untilIs("the headings", () => days(page), ["yesterday", "today"]);
  await message(page, "alone").getByRole("button", { name: "Delete" }).click();
  await untilIs("the headings", () => days(page), ["yesterday"]);
});

claim("a page that sleeps over midnight knows the day when it wakes, and when the other person was last seen", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  await installClock(page);
  await meet(abhi, anny);
  await say(page, "Good night");
  await untilTick(page, "Good night", "Seen");
  await anny.page.goto("about:blank");
  const presence = () => page.locator("#presence").textContent();
  await until("leaving is shown", presence, (words) => /^Last seen \d\d:\d\d$/.test(words ?? ""));
  assert.deepEqual(await days(page), ["today"]);
  // A sleep: the clock has gone on, the timers have not.
  await page.clock.setSystemTime(Date.now() + 86_400_000);
  await page.clock.runFor(6_000);
  await untilIs("the heading", () => days(page), ["yesterday"]);
  await until("the day stands with the time", presence, (words) => /^Last seen \d+ \p{L}+, \d\d:\d\d$/u.test(words ?? ""));
});

claim("what is said within a minute has one time, live and in the history alike", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one, two } = await meet(abhi, anny);
  await pour(abhi, one.chat, ["a", "b", "c"]);
  await pour(anny, two.chat, ["d"]);
  await message(abhi.page, "d").waitFor();
  const shown = () =>
    abhi.page.locator("#messages .message").evaluateAll((all) => {
      const minute = (/** @type {Element} */ item) => Math.floor(Number(/** @type {HTMLElement} */ (item).dataset.at) / 60_000);
      return all.map((item, at) => {
        const next = all[at + 1];
        const goesOn = next && item.className.includes("mine") === next.className.includes("mine") && minute(item) === minute(next);
        const { width } = /** @type {Element} */ (item.querySelector(".meta")).getBoundingClientRect();
        return width > 1 === !goesOn;
      });
    });
  await until("the ticks", () => abhi.page.locator('.last[data-state="seen"]').count());
  await untilIs("whether each shows its time when it should", shown, [true, true, true, true]);
  await abhi.page.goto(one.chat);
  await inChat(abhi.page);
  await untilIs("whether each shows its time when it should", shown, [true, true, true, true]);
});

claim("the newest message is one press away for whoever scrolled up, and the date stays in sight", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 60 }, (_, index) => `line ${index}`));
  const { page } = anny;
  await message(page, "line 59").waitFor();
  const button = page.locator("#pill");
  await untilIs("the button", () => button.isVisible(), false);
  await page.locator("#history").hover();
  await page.mouse.wheel(0, -600);
  await page.getByRole("button", { name: "To the newest message" }).waitFor();
  const tops = () => page.evaluate(() => ["#messages .day", "#history"].map((what) => document.querySelector(what)?.getBoundingClientRect().top ?? NaN));
  await until("the date is in sight", tops, ([day, history]) => day >= history && day < history + 40);
  await button.click();
  await untilIs("the distance", () => page.locator("#history").evaluate((node) => Math.abs(Math.round(node.scrollTop))), 0);
  await untilIs("the button", () => button.isVisible(), false);
});

claim("the arrow to the newest message stands in the middle of its button", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 40 }, (_, at) => `line ${at}`));
  const { page } = abhi;
  await message(page, "line 39").waitFor();
  await page.locator("#history").evaluate((node) => node.scrollBy(0, -500));
  const pill = page.locator("#pill");
  await pill.waitFor();
  const middle = (/** @type {Element} */ node) => node.getBoundingClientRect().left + node.getBoundingClientRect().width / 2;
  const [button, arrow] = [await pill.evaluate(middle), await pill.locator("svg").evaluate(middle)];
  assert.ok(Math.abs(button - arrow) < 0.5, `${button} and ${arrow}`);
});

claim("a few emoji stand on paper as they do on the screen", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  await say(abhi.page, "🙃");
  await abhi.page.emulateMedia({ media: "print" });
  await untilIs("the border", () => message(abhi.page, "🙃").locator(".bubble").evaluate((node) => getComputedStyle(node).borderTopColor), "rgba(0, 0, 0, 0)");
});

claim("turning the phone keeps the place, and the print has all of it", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ viewport: { width: 390, height: 844 } })];
  const { one } = await meet(abhi, anny);
  await pour(abhi, one.chat, Array.from({ length: 48 }, (_, index) => `line ${index} ${"of a text that takes more than one line on a phone ".repeat(3)}`));
  const { page } = anny;
  await message(page, "line 47").waitFor();
  await page.locator("#history").hover();
  await page.mouse.wheel(0, -2500);
  await until("it has scrolled", () => page.locator("#history").evaluate((node) => node.scrollTop < -2000));
  const reading = () =>
    page.locator("#messages .message").evaluateAll((all) => {
      const top = document.getElementById("history")?.getBoundingClientRect().top ?? 0;
      return all.findIndex((item) => item.getBoundingClientRect().bottom > top + 30);
    });
  let before = -1;
  await until("the scroller stands still", async () => {
    const was = before;
    before = await reading();
    return was === before;
  });
  for (const viewport of [{ width: 844, height: 390 }, { width: 390, height: 844 }]) {
    await page.setViewportSize(viewport);
    await until(`the place at ${viewport.width}`, reading, (now) => Math.abs(now - before) <= 1);
  }
  await page.emulateMedia({ media: "print" });
  const heights = () => page.evaluate(() => ["history", "messages"].map((id) => document.getElementById(id)?.getBoundingClientRect().height ?? 0));
  await until("all of it is printed", heights, ([shown, whole]) => shown >= whole && whole > 3_000);
  await untilIs("the composer", () => page.locator("#composer").isVisible(), false);
  // Whoever chose dark colours prints dark ink on white paper all the same.
  await page.evaluate(() => void (document.documentElement.dataset.theme = "dark"));
  await untilIs("the ink", () => page.evaluate(() => getComputedStyle(document.body).color), "rgb(29, 35, 34)");
});

claim("a name with dollars is a name in the title, and piled-up marks stay in their line", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny, { you: "Abhi · home", peer: "Ke$$ha" });
  await untilIs("the title", () => abhi.page.title(), "Ke$$ha · duet");
  // The dot that stands ahead of the program's name may be part of a person's.
  await untilIs("the other title", () => anny.page.title(), "Abhi · home · duet");
  await say(abhi.page, "before");
  await tell(anny, `${two.chat}/message_send`, { message: `Z${"\u0350\u036b\u0343\u036a".repeat(30)}algo` });
  await message(abhi.page, "algo").waitFor();
  const overflow = await message(abhi.page, "algo").locator(".bubble").evaluate((node) => getComputedStyle(node).overflowY);
  assert.ok(["clip", "hidden"].includes(overflow), overflow);
});

claim("marks piled up in a name stay in the sentence that it stands in", async ({ person }) => {
  const [abhi, anny, other] = [await person(), await person(), await person()];
  other.expectStatus(409);
  const name = `Z${"\u0301\u0316".repeat(15)}`;
  /** The blocks around names that let them out. @param {import("playwright-core").Page} page */
  const open = (page) =>
    page.locator("bdi:visible").evaluateAll((names) =>
      names.flatMap((name) => {
        let block = name;
        while (getComputedStyle(block).display === "inline" && block.parentElement) block = block.parentElement;
        return getComputedStyle(block).overflowY === "visible" ? [block.outerHTML] : [];
      }),
    );
  const { link } = await register(abhi, { peer: name });
  assert.deepEqual(await open(abhi.page), []);
  await openMySide(abhi);
  assert.deepEqual(await open(abhi.page), []);
  await join(anny, link, name);
  await abhi.page.locator(".event").waitFor();
  await knock(other.page, link, name);
  assert.deepEqual(await open(other.page), []);
  await other.page.getByRole("button", { name: "Ask to be let in" }).click();
  await abhi.page.locator("#asks form").waitFor();
  await abhi.page.locator("#menu summary").click();
  for (const { page } of [abhi, other]) assert.deepEqual(await open(page), []);
});

for (const viewport of [{ width: 320, height: 568 }, { width: 430, height: 932 }, { width: 844, height: 390 }, { width: 390, height: 400 }]) {
  claim(`the composer is in sight at ${viewport.width} by ${viewport.height}, whatever stands above`, async ({ person }) => {
    const [abhi, anny] = [await person({ viewport }), await person()];
    await meet(abhi, anny);
    const { page } = abhi;
    await say(page, "hello");
    // More strips than there can be.
    await page.evaluate(() => {
      const asks = document.getElementById("asks");
      const template = /** @type {HTMLTemplateElement} */ (document.getElementById("ask-other"));
      for (let at = 0; at < 4; at++) asks?.append(template.content.cloneNode(true));
    });
    const box = async (/** @type {string} */ what) => (await page.locator(what).boundingBox()) ?? assert.fail(`${what} is not there`);
    const [strips, composer, history] = [await box(".strips"), await box("#composer"), await box("#history")];
    assert.ok(strips.height <= viewport.height * 0.4 + 1, `strips of ${strips.height}`);
    assert.ok(composer.y + composer.height <= viewport.height + 1 && composer.y > 0, "the composer is out of sight");
    assert.ok(history.height >= 40, `${history.height} pixels for the messages`);
    const sizes = await page.locator("input[type=text], textarea").evaluateAll((all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize)));
    assert.ok(sizes.every((size) => size >= 15.9), `a field of ${Math.min(...sizes)} px makes iOS zoom in`);
  });
}

claim("bubbles of one voice lean on each other, live as after a reload", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await meet(abhi, anny);
  for (const [from, to, text] of /** @type {const} */ ([
    [abhi, anny, "one"],
    [abhi, anny, "two"],
    [anny, abhi, "three"],
    [anny, abhi, "four"],
    [abhi, anny, "five"],
  ])) {
    await say(from.page, text);
    await message(to.page, text).waitFor();
  }
  /** What stands under each message, and whether it leans on it. @param {Page} page */
  const look = (page) =>
    page.locator("#messages .message").evaluateAll((items) =>
      items.map((item) => {
        const next = item.nextElementSibling;
        const side = item.matches(".mine") ? ".mine" : ".theirs";
        return { leans: item.matches(".leans"), should: next?.matches(side) ?? false };
      }),
    );
  for (const { page } of [abhi, anny]) {
    await until("all stand as they should", () => look(page), (items) => items.length === 5 && items.every(({ leans, should }) => leans === should));
    await page.reload();
    await inChat(page);
    await until("all stand as they should after a reload", () => look(page), (items) => items.length === 5 && items.every(({ leans, should }) => leans === should));
  }
});
