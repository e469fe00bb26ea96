// A proxy between the browsers and the server, for what networks do to connections.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Proxy {
  /** @type {Set<{ client: import("node:net").Socket, server: import("node:net").Socket, passes: boolean }>} */
  #pairs = new Set();
  #listener = createServer({ allowHalfOpen: true });
  #serverPort = 0;
  /** Counts the connections that browsers opened. */
  opened = 0;

  static async start() {
    const proxy = new Proxy();
    proxy.#listener.on("connection", (client) => proxy.#join(client));
    proxy.#listener.listen(0, "127.0.0.1");
    await once(proxy.#listener, "listening");
    return proxy;
  }

  get origin() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#listener.address());
    return `http://127.0.0.1:${port}`;
  }

  /** Where it passes everything on to. @param {number} port */
  to(port) {
    this.#serverPort = port;
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
    const server = connect({ host: "127.0.0.1", port: this.#serverPort, allowHalfOpen: true });
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
    this.#listener.close();
  }
}
