// A page in WebKit, the engine of Safari, over WebDriver.

import { spawn } from "node:child_process";
import { once } from "node:events";

import { ANSWER_MS, Driven } from "./driven.js";
import { freePort } from "./server.js";
import { until } from "./until.js";

/** @type {Record<import("./driven.js").Command, (id: unknown) => string>} */
const PATHS = {
  goto: () => "/url",
  reload: () => "/refresh",
  find: () => "/element",
  click: (id) => `/element/${id}/click`,
  type: (id) => `/element/${id}/value`,
  evaluate: () => "/execute/sync",
};

export class WebKit extends Driven {
  #address = "";

  /** @override */
  async start() {
    const display = spawn("Xvfb", ["-displayfd", "1", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
    this.programs.push(display);
    const [number] = await once(display.stdout, "data");
    const port = await freePort();
    // Nothing is drawn by a graphics card.
    const env = { ...process.env, DISPLAY: `:${String(number).trim()}`, WEBKIT_DISABLE_COMPOSITING_MODE: "1" };
    this.programs.push(spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: "ignore" }));
    this.#address = `http://127.0.0.1:${port}`;
    await until("the driver is there", () => fetch(`${this.#address}/status`).then(({ ok }) => ok, () => false));
    const { sessionId } = await this.#ask("/session", { capabilities: {} });
    this.#address += `/session/${sessionId}`;
  }

  /** @param {string} path @param {object} [body] */
  async #ask(path, body, method = body ? "POST" : "GET") {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(this.#address + path, { method, body: body && JSON.stringify(body), signal });
    const { value } = /** @type {{ value: any }} */ (await answer.json());
    if (!answer.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** @override @param {import("./driven.js").Command} command @param {Record<string, unknown>} [given] */
  tell(command, { id, ...body } = {}) {
    return this.#ask(PATHS[command](id), body);
  }

  /** @override */
  async close() {
    await this.#ask("", undefined, "DELETE").catch(() => {});
    await super.close();
  }
}
