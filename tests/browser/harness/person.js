// A person: a browser of their own, watched for everything that must not happen.

import { setTimeout as pass } from "node:timers/promises";

/** Colours, width, language and the like, as Playwright names them. @typedef {import("playwright-core").BrowserContextOptions} Options */

/** How long closing a person's pages may take. */
const CLOSE_MS = 20_000;
const OUTAGE = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED|FAILED|ABORTED)/;

/** Runs in every page, ahead of its own scripts. */
function reportViolations() {
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`a CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
  });
}

export class Person {
  /** What happened and must not. @type {string[]} */
  problems = [];
  #statuses = new Set();
  #outage = false;

  /**
   * @param {import("playwright-core").BrowserContext} context
   * @param {import("playwright-core").Page} page the first tab
   * @param {import("./server.js").Server} server
   */
  constructor(context, page, server) {
    this.context = context;
    this.page = page;
    this.server = server;
    this.#watch(page);
    context.on("page", (tab) => this.#watch(tab));
    context.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${server.origin}/`) && !url.startsWith("data:") && !url.startsWith("blob:")) {
        this.problems.push(`a request left the server: ${url}`);
      }
    });
  }

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {import("./server.js").Server} server
   * @param {Options} [options]
   */
  static async arrive(browser, server, options = {}) {
    const context = await browser.newContext({
      baseURL: server.origin,
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      colorScheme: "light",
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    context.setDefaultTimeout(120_000);
    await context.addInitScript(reportViolations);
    return new Person(context, await context.newPage(), server);
  }

  /** @param {import("playwright-core").Page} page */
  #watch(page) {
    page.on("pageerror", (error) => this.problems.push(`a script failed: ${error.stack ?? error}`));
    page.on("crash", () => this.problems.push("a page crashed"));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const text = message.text();
      const status = /the server responded with a status of (\d+)/.exec(text)?.[1];
      if (status && this.#statuses.has(Number(status))) return;
      if (this.#outage && OUTAGE.test(text)) return;
      this.problems.push(`the console says: ${text} (${message.location().url})`);
    });
  }

  /** Answers that the browser may complain about. @param {...number} statuses */
  expectStatus(...statuses) {
    for (const status of statuses) this.#statuses.add(status);
  }

  /** From here on the network or the server may be away. */
  expectOutage() {
    this.#outage = true;
  }

  /** One more tab. @param {string} url */
  async tab(url) {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  async leave() {
    // What is still being answered in a test's stead would fail when its page goes.
    for (const routed of [this.context, ...this.context.pages()]) await routed.unrouteAll({ behavior: "ignoreErrors" });
    // Chromium now and then never closes a page that is just being replaced by another one. Then it goes with the whole browser.
    await Promise.race([this.context.close(), pass(CLOSE_MS, undefined, { ref: false })]);
  }
}

/**
 * Stops a page's scripts in the middle of what they do, with all that they hold, as a phone does to a tab in the background. Answers
 * with what lets them go on.
 * @param {Person} person @param {import("playwright-core").Page} page
 */
export async function freeze({ context }, page) {
  const wire = await context.newCDPSession(page);
  await wire.send("Debugger.enable");
  const paused = new Promise((resolve) => wire.once("Debugger.paused", resolve));
  await wire.send("Debugger.pause");
  // A pause waits for the next statement.
  void page.evaluate(() => 1).catch(() => {});
  await paused;
  return () => wire.send("Debugger.disable");
}

/**
 * Puts a page into the background or back, as far as its own scripts can tell: every page of a driven browser counts as looked at.
 * @param {import("playwright-core").Page} page @param {boolean} hidden
 */
export const setHidden = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
