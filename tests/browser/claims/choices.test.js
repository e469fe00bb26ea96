// What one chooses for one's own browser: being told, sounds, colours, language. And handing the link on by the system's own ways.

import assert from "node:assert/strict";

import { claim, share } from "../harness/claim.js";
import { inChat, meet, message, openMySide, register, say, untilTick } from "../harness/flows.js";
import { setHidden } from "../harness/person.js";
import { until, untilIs } from "../harness/until.js";

share({}, { whole: true });

/** @typedef {import("playwright-core").Page} Page */

/** Runs in every page, ahead of its own scripts: keeps what would be shown and played. */
function keepSigns() {
  const signs = /** @type {{ shown: unknown[], played: number }} */ ({ shown: [], played: 0 });
  Object.assign(globalThis, { signs });
  globalThis.Notification = class extends Notification {
    /** @param {string} title @param {NotificationOptions} [options] */
    constructor(title, options) {
      super(title, options);
      signs.shown.push([title, options?.body]);
    }
  };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (/** @type {number | undefined} */ when) {
    signs.played++;
    start.call(this, when);
  };
}

/** Runs in every page, ahead of its own scripts: keeps what a sound is made with, which waits for a press as browsers have it. */
function keepAudio() {
  /** @type {(() => void)[]} */
  const waiting = [];
  // A driver's own questions to a page count as presses for the browser.
  let isPressed = false;
  addEventListener("pointerdown", () => (isPressed = true), true);
  globalThis.AudioContext = class extends AudioContext {
    /** @param {AudioContextOptions} [options] */
    constructor(options) {
      super(options);
      if (!isPressed) void this.suspend();
      Object.assign(globalThis, { audio: this });
    }
    resume() {
      if (!isPressed) return /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push(resolve)));
      for (const go of waiting.splice(0)) go();
      return super.resume();
    }
  };
}

/** @param {Page} page @returns {Promise<{ shown: string[][], played: number }>} */
const signs = (page) => page.evaluate(() => /** @type {any} */ (globalThis).signs);

/** Presses a switch in the menu, and closes it. @param {Page} page @param {"Notifications" | "Sound"} name */
async function flip(page, name) {
  await page.locator("#menu summary").click();
  const before = await page.getByRole("button", { name }).getAttribute("aria-pressed");
  await page.getByRole("button", { name }).click();
  await untilIs(name, () => page.getByRole("button", { name }).getAttribute("aria-pressed"), before === "true" ? "false" : "true");
  await page.keyboard.press("Escape");
}

/** Says something and waits until the other page has it. @param {Page} from @param {Page} to @param {string} text */
async function arrives(from, to, text) {
  await say(from, text);
  await message(to, text).waitFor();
  await untilTick(from, text, "Delivered");
}

claim("another language leaves what was typed on the start page and on the guest's", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { page } = abhi;
  await page.goto("/");
  await page.locator("[data-choice] summary").click();
  await page.locator("#plain").check();
  await page.locator("#user-one").fill("Abhi");
  await page.locator("#user-two").fill("Anny");
  await page.getByRole("radio", { name: "30 days" }).check();
  await page.getByRole("button", { name: "العربية" }).click();
  await page.locator("html[lang=ar]").waitFor();
  await page.locator("[data-choice]:not([hidden])").waitFor();
  const typed = () => page.evaluate(() => ["#user-one", "#user-two", ":checked"].map((what) => /** @type {HTMLInputElement} */ (document.querySelector(what)).value));
  assert.deepEqual(await typed(), ["Abhi", "Anny", "720"]);
  assert.ok(await page.locator("#plain").isChecked());
  assert.ok(await page.locator("[data-plain]").isVisible());
  await page.locator("#register .primary").click();
  const link = await until("the link", () => page.locator("#link").inputValue());
  await anny.page.goto(link);
  await anny.page.locator("#user").fill("Anny");
  await anny.page.getByRole("button", { name: "العربية" }).click();
  await anny.page.locator("html[lang=ar]").waitFor();
  await untilIs("the name", () => anny.page.locator("#user").inputValue(), "Anny");
  // It is kept for the page that follows, and no longer.
  assert.equal(await anny.page.evaluate(() => sessionStorage.length), 0);
});

claim("notification and sound come when switched on and nobody looks, and only then", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ permissions: ["notifications"] })];
  await anny.context.addInitScript(keepSigns);
  await meet(abhi, anny);
  const { page } = anny;
  await setHidden(page, true);
  await arrives(abhi.page, page, "nothing is switched on");
  assert.deepEqual(await signs(page), { shown: [], played: 0 });

  await setHidden(page, false);
  await flip(page, "Notifications");
  await flip(page, "Sound");
  // A switch that makes a sound says what it sounds like.
  const { played } = await until("the sound is played", () => signs(page), ({ played }) => played > 0);
  await say(abhi.page, "somebody looks");
  await untilTick(abhi.page, "somebody looks", "Seen");
  assert.deepEqual(await signs(page), { shown: [], played });

  await setHidden(page, true);
  await arrives(abhi.page, page, "nobody looks");
  const after = await until("it is announced", () => signs(page), ({ shown }) => shown.length > 0);
  assert.equal(after.shown.length, 1);
  assert.match(after.shown[0][0], /Abhi/);
  assert.equal(after.shown[0][1], "New message", "the text stays out of a notification");
  await until("it is heard", async () => (await signs(page)).played > played);

  // The choice is the browser's: it holds after a reload.
  await page.reload();
  await inChat(page);
  await setHidden(page, true);
  await arrives(abhi.page, page, "after a reload");
  await untilIs("the number of notifications", async () => (await signs(page)).shown.length, 1);
  await setHidden(page, false);
  await flip(page, "Notifications");
  await setHidden(page, true);
  await arrives(abhi.page, page, "switched off again");
  await untilIs("the number of notifications", async () => (await signs(page)).shown.length, 1);
});

claim("what is on the screen in any tab is not announced by another", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ permissions: ["notifications"] })];
  await anny.context.addInitScript(keepSigns);
  const { two } = await meet(abhi, anny);
  await flip(anny.page, "Notifications");
  await flip(anny.page, "Sound");
  const { played } = await signs(anny.page);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await setHidden(anny.page, true);
  await say(abhi.page, "You are looking at this");
  await untilTick(abhi.page, "You are looking at this", "Seen");
  await setHidden(second, true);
  await arrives(abhi.page, anny.page, "and not at this");
  await until("the one that nobody sees is announced", () => signs(anny.page), ({ shown }) => shown.length > 0);
  assert.equal((await signs(anny.page)).shown.length, 1);
  await until("the sound is played", async () => (await signs(anny.page)).played > played);
  assert.deepEqual(await signs(second), { shown: [], played: 0 });
});

claim("a browser that allows no notifications says so where it is seen, and the switch stays off", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ viewport: { width: 320, height: 568 } })];
  await anny.context.addInitScript(() => {
    Notification.requestPermission = () => Promise.resolve("denied");
  });
  await meet(abhi, anny);
  const { page } = anny;
  const words = page.getByRole("status").getByText("The browser does not allow notifications");
  for (let times = 0; times < 2; times++) {
    await page.locator("#menu summary").click();
    await page.getByRole("button", { name: "Notifications" }).click();
    // Trying it is pressing what lies there.
    await words.click();
  }
  assert.equal(await words.count(), 1);
  await untilIs("the switch", () => page.locator("#notifications").getAttribute("aria-pressed"), "false");
});

claim("a switch for notifications that cannot be shown goes off, and the page says why", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ permissions: ["notifications"] })];
  await anny.context.addInitScript(() => {
    globalThis.Notification = new Proxy(Notification, {
      construct() {
        throw new TypeError("Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.");
      },
    });
  });
  await meet(abhi, anny);
  const { page } = anny;
  await flip(page, "Notifications");
  await setHidden(page, true);
  await arrives(abhi.page, page, "nobody looks");
  await page.locator("#notices").getByText("The browser does not allow notifications").waitFor();
  await untilIs("the switch", () => page.locator("#notifications").getAttribute("aria-pressed"), "false");
});

claim("a switch whose permission was taken back in the browser is off", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ permissions: ["notifications"] })];
  await meet(abhi, anny);
  const { page } = anny;
  await flip(page, "Notifications");
  await anny.context.clearPermissions();
  await page.reload();
  await inChat(page);
  await untilIs("the switch", () => page.locator("#notifications").getAttribute("aria-pressed"), "false");
});

claim("a switch that is moved in one tab moves in the others", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  const { two } = await meet(abhi, anny);
  const second = await anny.tab(two.chat);
  await inChat(second);
  await second.locator("#menu summary").click();
  const pressed = () => second.getByRole("button", { name: "Sound" }).getAttribute("aria-pressed");
  for (const now of ["true", "false"]) {
    await flip(anny.page, "Sound");
    await untilIs("the switch of the other tab", pressed, now);
  }
});

claim("what came while a page might not sound does not sound later, and the sound rests between messages", async ({ person }) => {
  const [abhi, anny] = [await person(), await person()];
  await anny.context.addInitScript(keepSigns);
  await anny.context.addInitScript(keepAudio);
  const { two } = await meet(abhi, anny);
  const { page } = anny;
  const state = (/** @type {Page} */ page) => page.evaluate(() => /** @type {any} */ (globalThis).audio?.state);
  await flip(page, "Sound");
  await until("the sound is played", () => signs(page), ({ played }) => played > 0);
  await untilIs("the sound", () => state(page), "suspended");
  await page.close();
  // Nobody has pressed anything in this tab.
  const second = await anny.context.newPage();
  await second.clock.install();
  await second.goto(two.chat);
  await inChat(second);
  await setHidden(second, true);
  for (const text of ["one", "two", "three"]) await arrives(abhi.page, second, text);
  await until("a sound is wanted", () => state(second));
  assert.equal((await signs(second)).played, 0);
  await second.clock.runFor(2_000);
  await setHidden(second, false);
  await second.locator("#history").click();
  await untilIs("the sound", () => state(second), "suspended");
  await setHidden(second, true);
  await arrives(abhi.page, second, "four");
  await untilIs("the notes", async () => (await signs(second)).played, 2);
  await untilIs("the sound", () => state(second), "suspended");
});

claim("the colours change at once, are kept, and follow the system where that was chosen", async ({ person }) => {
  const [abhi, anny] = [await person(), await person({ colorScheme: "dark" })];
  await meet(abhi, anny);
  const { page } = anny;
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await page.locator("#menu summary").click();
  const kept = page.waitForResponse("**/preferences");
  await page.getByRole("button", { name: "Light" }).click();
  const light = await until("the page is light", paper, (now) => now !== dark);
  await untilIs("the switch", () => page.getByRole("button", { name: "Light" }).getAttribute("aria-pressed"), "true");
  assert.ok(await page.evaluate(() => "sameDocument" in globalThis), "the page was loaded anew");
  // The browser's own bars as well.
  const bars = () => page.locator("meta[name=theme-color]").evaluateAll((all) => all.map((meta) => meta.getAttribute("content")));
  await until("the bars have the colour of the page", bars, (colours) => colours.every((colour) => colour === light || colour === "#f6f2ea"));
  await kept;
  await page.reload();
  await inChat(page);
  await untilIs("the colour", paper, light);
  await page.locator("#menu summary").click();
  await page.getByRole("button", { name: "Auto" }).click();
  await untilIs("the switch", () => page.getByRole("button", { name: "Auto" }).getAttribute("aria-pressed"), "true");
  await untilIs("the colour", paper, dark);
  await page.emulateMedia({ colorScheme: "light" });
  await untilIs("the colour", paper, light);
});

claim("the colours that are chosen in one tab are those of the others, and nothing is kept for that", async ({ person }) => {
  const abhi = await person();
  const { page } = abhi;
  await page.goto("/");
  const other = await abhi.tab("/");
  for (const theme of ["Dark", "Auto"]) {
    await page.getByRole("button", { name: theme }).click();
    await untilIs("the switch", () => other.getByRole("button", { name: theme }).getAttribute("aria-pressed"), "true");
    await untilIs("the paper", () => other.evaluate(() => getComputedStyle(document.body).backgroundColor), theme === "Dark" ? "rgb(20, 25, 26)" : "rgb(246, 242, 234)");
  }
  assert.equal(await other.evaluate(() => localStorage.length + sessionStorage.length), 0);
});

claim("colours that were chosen on the page before do not come back over a later choice", async ({ person }) => {
  const { page } = await person();
  await page.addInitScript(() => {
    const { setItem } = Storage.prototype;
    Storage.prototype.setItem = function (/** @type {string} */ key, /** @type {string} */ value) {
      setItem.call(this, key, value);
      if (key === "duet:theme") Object.assign(globalThis, { told: value });
    };
  });
  await page.goto("/");
  await page.getByRole("button", { name: "Dark" }).click();
  const told = await page.evaluate(() => /** @type {any} */ (globalThis).told);
  await page.reload();
  await page.getByRole("button", { name: "Light" }).click();
  const theme = () => page.locator("html").getAttribute("data-theme");
  await untilIs("the theme", theme, "light");
  // A browser tells the next page of a tab what the one before wrote to its storage, late if it has much to tell.
  await page.evaluate((newValue) => dispatchEvent(new StorageEvent("storage", { key: "duet:theme", newValue })), told);
  assert.match(told, /dark/);
  assert.equal(await theme(), "light");
});

claim("another language is one press away, and one stays where one is", async ({ person }) => {
  const abhi = await person();
  const { chat } = await register(abhi);
  await openMySide(abhi);
  const { page } = abhi;
  await say(page, "A word in English");
  await untilTick(page, "A word in English", "Sent");
  await page.locator("#menu summary").click();
  await page.getByRole("button", { name: "العربية" }).click();
  await page.locator("html[lang=ar][dir=rtl]").waitFor({ state: "attached" });
  assert.equal(new URL(page.url()).pathname, chat);
  await untilIs("the tick", () => message(page, "A word in English").locator(".tick-word").textContent(), "أُرسلت");
  // Mirrored: what one wrote oneself stands at the line's end, which is the left side now.
  const [bubble, list] = await Promise.all(
    [".mine .bubble", "#messages"].map((what) => page.locator(what).evaluate((node) => node.getBoundingClientRect().left)),
  );
  assert.equal(Math.round(bubble), Math.round(list));
  // One kind of digits, as in the sentences.
  assert.doesNotMatch(await page.locator("body").innerText(), /[٠-٩]/);
});

claim("the link can be handed to the system where it takes one, and no button pretends elsewhere", async ({ person }) => {
  const [plain, phone] = [await person(), await person()];
  await plain.context.addInitScript(() => {
    Reflect.deleteProperty(Navigator.prototype, "share");
  });
  await register(plain);
  assert.equal(await plain.page.getByRole("button", { name: "Share…" }).count(), 0);

  await phone.context.addInitScript(() => {
    Object.assign(globalThis, { shared: [] });
    Navigator.prototype.share = async (/** @type {ShareData | undefined} */ what) => void (/** @type {any} */ (globalThis).shared.push(what));
  });
  const { link } = await register(phone);
  await phone.page.getByRole("button", { name: "Share…" }).click();
  const shared = await until("it is shared", () => phone.page.evaluate(() => /** @type {any} */ (globalThis).shared), (shared) => shared.length > 0);
  assert.equal(shared.length, 1);
  assert.equal(shared[0].url, link);
  assert.doesNotMatch(shared[0].text, /Abhi|Anny/);
});
