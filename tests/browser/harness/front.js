// What stands between the browsers and the server: it has an address of its own, and passes everything on to the server's port.

import { once } from "node:events";

export class Front {
  /** Where the server listens. */
  port = 0;

  /** @param {import("node:net").Server} listener */
  constructor(listener) {
    this.listener = listener;
  }

  /** @template {Front} F @this {new () => F} */
  static async start() {
    const front = new this();
    front.listener.listen(0, "127.0.0.1");
    await once(front.listener, "listening");
    return front;
  }

  get origin() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.listener.address());
    return `http://127.0.0.1:${port}`;
  }

  stop() {
    this.listener.close();
  }
}
