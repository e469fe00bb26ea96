// Another site, which somebody who is in a chat happens to visit.

import { createServer } from "node:http";
import { once } from "node:events";

export class Elsewhere {
  /** What was asked for, with the address that it came from. @type {{ url: string, referrer: string | undefined }[]} */
  visits = [];
  #server;

  /**
   * @param {string} host `127.0.0.1` is another port, and so another origin, of the same site; `localhost` is another site.
   * @param {string} page what it serves
   */
  static async start(host, page) {
    const elsewhere = new Elsewhere();
    elsewhere.#server = createServer((request, response) => {
      elsewhere.visits.push({ url: request.url ?? "", referrer: request.headers.referer });
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(page);
    });
    elsewhere.#server.listen(0, "127.0.0.1");
    await once(elsewhere.#server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (elsewhere.#server.address());
    elsewhere.origin = `http://${host}:${port}`;
    return elsewhere;
  }

  /** Scheme, host and port. */
  origin = "";

  async stop() {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}
