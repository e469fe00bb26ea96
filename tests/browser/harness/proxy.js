// A proxy between the browsers and the server, for what networks do to connections.

import { connect, createServer } from "node:net";

import { Front } from "./front.js";

export class Proxy extends Front {
  /** @type {Set<{ client: import("node:net").Socket, server: import("node:net").Socket, passes: boolean }>} */
  #pairs = new Set();
  /** Counts the connections that browsers opened. */
  opened = 0;

  constructor() {
    super(createServer({ allowHalfOpen: true }));
    this.listener.on("connection", (client) => this.#join(client));
  }

  /** Connections that are open now stay open and pass nothing more, neither bytes nor their end. New ones work. */
  stall() {
    for (const pair of this.#pairs) pair.passes = false;
  }

  /** Ends all connections. New ones work. */
  cut() {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** @param {import("node:net").Socket} client */
  #join(client) {
    this.opened++;
    const server = connect({ host: "127.0.0.1", port: this.port, allowHalfOpen: true });
    const pair = { client, server, passes: true };
    this.#pairs.add(pair);
    for (const [from, to] of /** @type {const} */ ([[client, server], [server, client]])) {
      from.on("data", (bytes) => pair.passes && to.write(bytes));
      from.on("end", () => pair.passes && to.end());
      from.on("error", () => from.destroy());
      from.on("close", () => {
        if (from === client) server.destroy();
        else if (pair.passes) client.end();
        if (from === client) this.#pairs.delete(pair);
      });
    }
  }

  stop() {
    this.cut();
    super.stop();
  }
}
