// A page in Firefox. Debian has no geckodriver, which would only hand on WebDriver's commands in this very form: as JSON over a socket,
// each with its length ahead. Firefox calls that Marionette.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ANSWER_MS, Driven } from "./driven.js";
import { until } from "./until.js";

const PROGRAM = "/usr/bin/firefox-esr";
/** Any free port, which it writes into its profile; and whatever it would fetch for itself goes to a proxy that is not there. */
const SETTINGS = {
  "marionette.port": 0,
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
};

/** @type {Record<import("./driven.js").Command, string>} */
const NAMES = {
  goto: "WebDriver:Navigate",
  reload: "WebDriver:Refresh",
  find: "WebDriver:FindElement",
  click: "WebDriver:ElementClick",
  type: "WebDriver:ElementSendKeys",
  evaluate: "WebDriver:ExecuteScript",
};

export class Firefox extends Driven {
  #profile = "";
  /** @type {import("node:net").Socket | undefined} */
  #socket;
  #asked = 0;
  /** What has come and is not read yet. */
  #bytes = Buffer.alloc(0);
  /** Who waits for which answer. @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();

  /** @override */
  async start() {
    const profile = await mkdtemp(join(tmpdir(), "duet-firefox-"));
    this.#profile = profile;
    const lines = Object.entries(SETTINGS).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
    await writeFile(join(profile, "user.js"), lines.join(""));
    // Its home is its own too: root's may be somebody else's, whom Firefox then refuses to serve.
    const env = { ...process.env, HOME: profile };
    this.programs.push(spawn(PROGRAM, ["--headless", "--marionette", "--no-remote", "--profile", profile], { env, stdio: "ignore" }));
    const port = await until("Firefox listens", () => readFile(join(profile, "MarionetteActivePort"), "utf8").catch(() => ""));
    this.#socket = createConnection(Number(port), "127.0.0.1");
    this.#socket.on("data", (bytes) => this.#read(bytes));
    await once(this.#socket, "connect");
    await this.#ask("WebDriver:NewSession", { capabilities: {} });
  }

  /** @param {Buffer} bytes */
  #read(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const colon = this.#bytes.indexOf(":");
      const end = colon + 1 + Number(this.#bytes.subarray(0, colon));
      if (colon < 0 || this.#bytes.length < end) return;
      const packet = JSON.parse(this.#bytes.subarray(colon + 1, end).toString());
      this.#bytes = this.#bytes.subarray(end);
      // The first is a greeting.
      if (!Array.isArray(packet)) continue;
      const [, number, error, answer] = packet;
      const waiting = this.#waiting.get(number);
      if (error) waiting?.reject(new Error(`${error.error}: ${error.message}`));
      // It puts into an object what is none, as WebDriver puts everything.
      else waiting?.resolve(answer && "value" in answer ? answer.value : answer);
    }
  }

  /** @param {string} name @param {object} [given] */
  async #ask(name, given = {}) {
    const number = ++this.#asked;
    const packet = JSON.stringify([0, number, name, given]);
    /** @type {NodeJS.Timeout | undefined} */
    let late;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(number, { resolve, reject });
        late = setTimeout(() => reject(new Error(`${name}: no answer in ${ANSWER_MS} ms`)), ANSWER_MS);
        this.#socket?.write(`${Buffer.byteLength(packet)}:${packet}`);
      });
    } finally {
      clearTimeout(late);
      this.#waiting.delete(number);
    }
  }

  /** @override @param {import("./driven.js").Command} command @param {Record<string, unknown>} [given] */
  tell(command, given) {
    return this.#ask(NAMES[command], given);
  }

  /** @override */
  async close() {
    this.#socket?.destroy();
    await super.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 9 });
  }
}
