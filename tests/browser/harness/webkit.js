// A page in WebKit, the engine of Safari. Playwright drives only a WebKit of its own, so this one is told what to do over WebDriver.

import { spawn } from "node:child_process";
import { once } from "node:events";

import { freePort } from "./server.js";
import { until } from "./until.js";

/** The name under which WebDriver hands out elements. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const ENTER = "\uE007";
/** A page that hangs answers nothing. */
const ANSWER_MS = 60_000;

/** What WebDriver says while an element, or its page, is not there yet. */
const EARLY = /no such element|stale element|not interactable|not clickable/;

export class WebKit {
  /** @type {import("node:child_process").ChildProcess[]} */
  #programs = [];
  #address = "";

  static async open() {
    const webkit = new WebKit();
    const display = spawn("Xvfb", ["-displayfd", "1", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
    webkit.#programs.push(display);
    const [number] = await once(display.stdout, "data");
    const port = await freePort();
    // Nothing is drawn by a graphics card.
    const env = { ...process.env, DISPLAY: `:${String(number).trim()}`, WEBKIT_DISABLE_COMPOSITING_MODE: "1" };
    webkit.#programs.push(spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: "ignore" }));
    webkit.#address = `http://127.0.0.1:${port}`;
    await until("the driver is there", () => fetch(`${webkit.#address}/status`).then(({ ok }) => ok, () => false));
    const { sessionId } = await webkit.#tell("/session", { capabilities: {} });
    webkit.#address += `/session/${sessionId}`;
    return webkit;
  }

  /** @param {string} path @param {object} [body] */
  async #tell(path, body, method = body ? "POST" : "GET") {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(this.#address + path, { method, body: body && JSON.stringify(body), signal });
    const { value } = /** @type {{ value: any }} */ (await answer.json());
    if (!answer.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** @param {string} selector @param {string} what @param {object} [body] */
  #onElement(selector, what, body = {}) {
    return until(`${selector} takes a ${what}`, async () => {
      try {
        const { [ELEMENT]: id } = await this.#tell("/element", { using: "css selector", value: selector });
        await this.#tell(`/element/${id}/${what}`, body);
        return true;
      } catch (error) {
        if (EARLY.test(String(error))) return false;
        throw error;
      }
    });
  }

  /** @param {string} url */
  goto(url) {
    return this.#tell("/url", { url });
  }

  reload() {
    return this.#tell("/refresh", {});
  }

  /** @param {string} selector */
  click(selector) {
    return this.#onElement(selector, "click");
  }

  /** @param {string} selector @param {string} text */
  type(selector, text) {
    return this.#onElement(selector, "value", { text });
  }

  /** Writes into the composer and presses Enter. @param {string} text */
  say(text) {
    return this.type("#message", text + ENTER);
  }

  /** @param {string} script the body of a function */
  evaluate(script) {
    return this.#tell("/execute/sync", { script, args: [] });
  }

  async close() {
    await this.#tell("", undefined, "DELETE").catch(() => {});
    for (const program of this.#programs.reverse()) {
      const gone = once(program, "exit");
      program.kill();
      await gone;
    }
  }
}
