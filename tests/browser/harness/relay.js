// A server that lies: it stands between the browsers and the real one, writes down what they send, and answers with another
// conversation than the true one, or with what a claim makes of an answer.

import { Agent, createServer, request as ask } from "node:http";

import { Front } from "./front.js";

/**
 * @typedef {{ seq: any, id: any, senderName: any, reciever?: any, message: any, timestamp: any }} Message as the server gives it
 * @typedef {(truth: Message[]) => Message[]} Tell makes another conversation of the true one
 * @typedef {{ method: string, path: string, head: string, body: string }} Asked as it came over the wire
 * @typedef {{ status: number, headers: Record<string, string | string[] | undefined>, body: string }} Answer
 */

const PAGE_LEN = 50;

/** @param {unknown} value */
const escape = (value) => String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** @param {string} value */
const unescape = (value) => value.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

export class Relay extends Front {
  #http;
  /** A connection for each request: an idle one may be closed by the server in the moment it is used again. */
  #agent = new Agent({ keepAlive: false });
  /** @type {Asked[]} everything that browsers have sent */
  asked = [];
  /** @type {Map<string, Tell>} by the address of the seat that is lied to */
  lies = new Map();
  /** @type {((asked: Asked, answer: Answer) => Promise<void> | void) | undefined} changes whole answers */
  change;
  /** @type {((name: string, data: any, path: string) => [string, any][]) | undefined} changes events other than messages of a lie */
  event;

  constructor() {
    const http = createServer();
    super(http);
    this.#http = http;
    http.on("request", (asked, answer) => void this.#pass(asked, answer).catch(() => answer.destroy()));
  }

  stop() {
    super.stop();
    this.#http.closeAllConnections();
  }

  /** Honest again. */
  relent() {
    this.lies.clear();
    this.change = undefined;
    this.event = undefined;
  }

  /**
   * Asks the server itself.
   * @param {string} path @param {import("node:http").OutgoingHttpHeaders} [headers] @param {string} [method] @param {Buffer} [body]
   * @returns {Promise<import("node:http").IncomingMessage>}
   */
  #upstream(path, headers = {}, method = "GET", body) {
    return new Promise((resolve, reject) => {
      const host = new URL(this.origin).host;
      const sent = { ...headers, host, connection: "close", "accept-encoding": "identity" };
      ask({ port: this.port, host: "127.0.0.1", path, method, headers: sent, agent: this.#agent }, resolve)
        .on("error", reject)
        .end(body);
    });
  }

  /** A page or an answer as the real server gives it to the holder of a cookie. @param {string} path @param {import("node:http").OutgoingHttpHeaders} headers */
  async honest(path, headers) {
    return text(await this.#upstream(path, headers));
  }

  /** The true conversation. @param {string} seat @param {string} [cookie] @returns {Promise<Message[]>} */
  async #truth(seat, cookie = "") {
    /** @type {Message[]} */
    const messages = [];
    for (let more = true; more; ) {
      const after = messages.at(-1)?.seq ?? 0;
      const answer = await this.honest(`${seat}/messages?after=${after}&limit=200`, { cookie, accept: "application/json" });
      const { data } = JSON.parse(answer);
      messages.push(...(data.messages ?? []));
      more = data.more ?? false;
    }
    return messages;
  }

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "GET", url = "/", headers, rawHeaders } = request;
    const asked = { method, path: url, head: rawHeaders.join("\n"), body: body.toString() };
    this.asked.push(asked);
    const { pathname, searchParams } = new URL(url, this.origin);
    const [, seat, leaf = ""] = /^(\/demo\/chat\/user\/[^/]+\/[12])(?:\/(.*))?$/.exec(pathname) ?? [];
    const tell = this.lies.get(seat);
    if (tell && leaf === "receipt") return void response.end(JSON.stringify({ data: { status: "OK", code: 200 } }));
    const passed = { ...headers, ...(body.length && { "content-length": body.length }) };
    const answer = await this.#upstream(url, passed, method, body.length ? body : undefined);
    response.on("close", () => answer.destroy());
    // Whoever asked may have left meanwhile.
    if (response.destroyed) answer.destroy();
    const status = answer.statusCode ?? 502;
    if (answer.headers["content-type"]?.startsWith("text/event-stream")) {
      response.writeHead(status, answer.headers);
      response.flushHeaders();
      const shown = tell && (async () => tell(await this.#truth(seat, headers.cookie)));
      return this.#stream(answer, response, url, Number(searchParams.get("after") ?? 0), shown);
    }
    const isText = /json|html|javascript/.test(answer.headers["content-type"] ?? "") || [301, 302, 303].includes(status);
    if (!isText) {
      response.writeHead(status, answer.headers);
      return void answer.pipe(response);
    }
    const whole = { status, headers: { ...answer.headers }, body: await text(answer) };
    if (tell && status === 200 && !leaf) whole.body = page(whole.body, tell(await this.#truth(seat, headers.cookie)));
    if (tell && status === 200 && leaf === "messages") whole.body = history(searchParams, tell(await this.#truth(seat, headers.cookie)));
    await this.change?.(asked, whole);
    delete whole.headers["transfer-encoding"];
    whole.headers["content-length"] = String(Buffer.byteLength(whole.body));
    response.writeHead(whole.status, whole.headers);
    response.end(method === "HEAD" ? undefined : whole.body);
  }

  /**
   * @param {import("node:http").IncomingMessage} answer @param {import("node:http").ServerResponse} response
   * @param {string} path @param {number} after @param {(() => Promise<Message[]>) | undefined} shown
   */
  async #stream(answer, response, path, after, shown) {
    const emit = (/** @type {string} */ name, /** @type {any} */ data) => {
      const events = this.event?.(name, data, path) ?? [[name, data]];
      for (const [as, what] of events) {
        const id = as === "message" ? `id: ${what?.seq}\n` : "";
        response.write(`event: ${as}\n${id}data: ${JSON.stringify(what)}\n\n`);
      }
    };
    /** How many of the conversation that is shown have been given. */
    let given = shown ? (await shown()).filter((one) => one?.seq <= after).length : 0;
    const give = async () => {
      const all = (await shown?.()) ?? [];
      for (; given < all.length; given++) emit("message", all[given]);
    };
    let rest = "";
    for await (const chunk of answer.setEncoding("utf8")) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const name = /^event: (.*)$/m.exec(block)?.[1];
        const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null");
        if (!name) response.write(`${block}\n\n`);
        else if (!shown) emit(name, data);
        else if (name === "message") await give();
        else {
          if (name === "hello") data.lastSeq = (await shown()).findLast(Boolean)?.seq ?? 0;
          emit(name, data);
          if (name === "hello") await give();
        }
      }
    }
    response.end();
  }
}

/** @param {import("node:http").IncomingMessage} answer */
async function text(answer) {
  let whole = "";
  for await (const chunk of answer.setEncoding("utf8")) whole += chunk;
  return whole;
}

/** The chat's page with another conversation in it. @param {string} html @param {Message[]} shown */
function page(html, shown) {
  const config = JSON.parse(unescape(/data-chat="([^"]*)"/.exec(html)?.[1] ?? "{}"));
  Object.assign(config, { lastSeq: shown.findLast(Boolean)?.seq ?? 0, more: shown.length > PAGE_LEN });
  const items = shown.slice(-PAGE_LEN).filter(Boolean).map(({ seq, id, senderName, message, timestamp }) => {
    const [side, state] = senderName === config.you ? ["mine", ' data-state="sent"'] : ["theirs", ""];
    const tick = side === "mine" ? '<span class="tick"><span class="tick-word">Sent</span></span>' : "";
    return (
      `<li class="message ${side}" data-seq="${escape(seq)}" data-id="${escape(id)}" data-at="${Date.parse(timestamp)}"${state}>` +
      `<span class="visually-hidden">${escape(senderName)}: </span><div class="bubble"><div class="text" dir="auto" ` +
      `data-sealed="${escape(message)}"></div><p class="meta"><time data-show="time" datetime="${escape(timestamp)}"></time> ${tick}</p></div></li>`
    );
  });
  return html
    .replace(/data-chat="[^"]*"/, () => `data-chat="${escape(JSON.stringify(config))}"`)
    .replace(/(<ol id="messages">)[\s\S]*?<\/ol>/, (_, list) => `${list}${items.join("")}</ol>`);
}

/** A page of another conversation's history. @param {URLSearchParams} query @param {Message[]} shown */
function history(query, shown) {
  const [after, before, limit] = ["after", "before", "limit"].map((name) => Number(query.get(name) ?? NaN));
  // By the place of the message that is named, since a lie may have numbered it as it likes.
  const named = shown.findIndex((one) => one && one.seq === (before || after));
  const known = named < 0 ? shown.filter((one) => (before ? one?.seq < before : !(one?.seq <= after))) : [];
  const found = named < 0 ? known : before ? shown.slice(0, named) : shown.slice(named + 1);
  const messages = before ? found.slice(-limit) : found.slice(0, limit);
  return JSON.stringify({ data: { status: "OK", code: 200, messages, more: found.length > messages.length } });
}
