// A claim: a test with a server and browsers, which also fails when something happened in a browser that nobody declared.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

import { Person } from "./person.js";
import { Proxy } from "./proxy.js";
import { Relay } from "./relay.js";
import { Server } from "./server.js";

/** Chromium without its windows: the same engine for a third of the work. */
const SHELL = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
/** All of it, for what the shell lacks: notifications, pages kept for the Back button, pages of its own for failures, storage that outlives a tab closed at once. */
const WHOLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const CLAIM_MS = 300_000;

/** The newest calls to browsers and their results, for a claim that stands still. @type {string[]} */
let calls = [];
const CALLS_MAX = 20;
const logger = {
  isEnabled: (/** @type {string} */ name) => name === "api",
  log: (/** @type {unknown[]} */ ...[, , message]) => void (calls = [...calls.slice(1 - CALLS_MAX), String(message)]),
};

/** Going back must bring what it brings to people, so the cache behind that button stays on. */
export const openBrowser = ({ whole = false } = {}) =>
  chromium.launch({ executablePath: whole ? WHOLE : SHELL, args: ARGUMENTS, ignoreDefaultArgs: ["--disable-back-forward-cache"], logger });

/**
 * @typedef {object} World
 * @property {Server} server
 * @property {import("playwright-core").Browser} browser
 * @property {Proxy} proxy only behind one
 * @property {Relay} relay only behind one
 * @property {(options?: import("./person.js").Options) => Promise<Person>} person
 */

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Proxy} */
let proxy;
/** @type {Relay} */
let relay;

/** Once per file: what its claims share, with a proxy between browsers and server. */
export function shareBehindProxy() {
  before(async () => {
    proxy = await Proxy.start();
    [server, browser] = await Promise.all([Server.start({}, proxy), openBrowser()]);
  });
  after(close);
}

/** Once per file: what its claims share, with a server between them that can lie. @param {{ whole?: boolean }} [opened] */
export function shareBehindRelay(opened) {
  before(async () => {
    relay = await Relay.start();
    [server, browser] = await Promise.all([Server.start({}, relay), openBrowser(opened)]);
  });
  after(close);
}

/** Once per file: what its claims share. @param {Record<string, string>} [settings] @param {{ whole?: boolean }} [opened] */
export function share(settings, opened) {
  before(async () => {
    [server, browser] = await Promise.all([Server.start(settings), openBrowser(opened)]);
  });
  after(close);
}

async function close() {
  await browser?.close();
  await server?.remove();
  proxy?.stop();
  relay?.stop();
}

/** @param {string} what @param {(world: World) => Promise<void>} show @param {number} [patienceMs] for one that looks at a great many things */
export function claim(what, show, patienceMs = CLAIM_MS) {
  const run = async () => {
    /** @type {Person[]} */
    const people = [];
    const person = async (/** @type {import("./person.js").Options | undefined} */ options) => {
      const one = await Person.arrive(browser, server, options);
      people.push(one);
      return one;
    };
    try {
      await show({ server, browser, proxy, relay, person });
      assert.deepEqual(people.flatMap(({ problems }) => problems), []);
    } catch (error) {
      const problems = people.flatMap(({ problems }) => problems);
      if (problems.length && error instanceof Error) error.message += `\nand in the browsers: ${problems.join("\n")}`;
      throw error;
    } finally {
      relay?.relent();
      await Promise.all(people.map((one) => one.leave()));
    }
  };
  test(what, async () => {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${patienceMs} ms; the newest calls to browsers:\n${calls.join("\n")}`)), patienceMs);
    });
    await Promise.race([run(), late]).finally(() => clearTimeout(timer));
  });
}
