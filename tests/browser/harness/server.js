// The real server, a process of its own in a directory of its own.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = process.env.DUET_BIN ?? fileURLToPath(new URL("../../../target/debug/duet", import.meta.url));
/** A loaded machine may take its time. */
const START_MS = 120_000;

/** Below all that Linux gives to programs that ask for any port, so that nobody takes it while the server is down. */
export async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const listener = createServer().listen(port, "127.0.0.1");
    try {
      await once(listener, "listening");
    } catch {
      continue;
    }
    await new Promise((closed) => listener.close(closed));
    return port;
  }
}

/** @typedef {import("./front.js").Front} Front */

export class Server {
  #directory;
  #settings;
  #port = 0;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  /** @type {Front | undefined} what stands between it and the browsers */
  #front;
  #log = "";

  /** @param {string} directory @param {Record<string, string>} settings */
  constructor(directory, settings) {
    this.#directory = directory;
    this.#settings = settings;
  }

  /** @param {Record<string, string>} settings more of the environment, like `DUET_LIMITS__…` @param {Front} [front] */
  static async start(settings = {}, front) {
    const server = new Server(await mkdtemp(join(tmpdir(), "duet-browser-")), settings);
    server.#port = await freePort();
    if (front) {
      server.#front = front;
      server.#settings = { ...settings, DUET_SERVER__PUBLIC_URL: front.origin };
      front.port = server.#port;
    }
    await server.up();
    return server;
  }

  /** Scheme, host and port. */
  get origin() {
    return this.#front?.origin ?? `http://127.0.0.1:${this.#port}`;
  }

  /** Its process. */
  get pid() {
    return this.#process?.pid;
  }

  /** What it has printed since it was first started. */
  get log() {
    return this.#log;
  }

  /** Starts it, again on the port and with the data it had before. */
  async up() {
    const server = spawn(BINARY, ["serve"], {
      cwd: this.#directory,
      env: { PATH: process.env.PATH, ...this.#settings, DUET_SERVER__BIND: `127.0.0.1:${this.#port}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = server;
    const began = this.#log.length;
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the server does not start:\n${this.#log}`)), START_MS);
      const hear = (/** @type {Buffer} */ words) => {
        this.#log += words;
        if (!this.#log.includes("duet is running at http://", began)) return;
        clearTimeout(late);
        resolve(undefined);
      };
      server.stdout.on("data", hear);
      server.stderr.on("data", hear);
      server.once("error", reject);
      server.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${this.#log}`)));
    });
  }

  /** Takes it away in the middle of whatever it does. */
  async kill() {
    const server = this.#process;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  async remove() {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
