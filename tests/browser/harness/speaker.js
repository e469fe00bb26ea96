// Somebody in an encrypted chat who needs no browser: the same cryptography as the page, over the API.

import { randomBytes, randomUUID } from "node:crypto";

import { encode, seal, unlock } from "../../../views/assets/seal.js";

export class Speaker {
  #session = randomBytes(8).toString("hex");
  #number = 0;
  /** @type {string | null} */
  #after = null;
  #token = "";
  isPlain = false;

  /** @param {string} origin @param {string} hash @param {Uint8Array<ArrayBuffer>} secret @param {{ auth: string, keys: import("../../../views/assets/seal.js").Keys }} unlocked @param {string} name */
  constructor(origin, hash, secret, { auth, keys }, name) {
    this.origin = origin;
    this.hash = hash;
    this.secret = secret;
    this.auth = auth;
    this.keys = keys;
    this.name = name;
  }

  /** Makes a chat and sits down in seat 1. @param {string} origin */
  static async begin(origin, { you = "Abhi", peer = "Anny" } = {}) {
    const hash = encode(randomBytes(16));
    const secret = new Uint8Array(randomBytes(32));
    const speaker = new Speaker(origin, hash, secret, await unlock(hash, secret), you);
    await speaker.call("register", { userOne: you, userTwo: peer, hash, encryption: "v1", auth: speaker.auth });
    const { token } = await speaker.call(`user/${encodeURIComponent(you)}/login`, { user: you, hash, auth: speaker.auth });
    speaker.#token = token;
    return speaker;
  }

  /** The same in a plain chat: it says what it is told to, unsealed. @param {string} origin */
  static async beginPlain(origin, { you = "Abhi", peer = "Anny" } = {}) {
    const speaker = await Speaker.begin(origin, { you, peer });
    const { hash } = await speaker.call("register", { userOne: you, userTwo: peer });
    const { token } = await speaker.call(`user/${encodeURIComponent(you)}/login`, { user: you, hash });
    speaker.hash = hash;
    speaker.#token = token;
    speaker.isPlain = true;
    return speaker;
  }

  /** The whole link. */
  get link() {
    const address = `${this.origin}/demo/chat/user/${this.hash}`;
    return this.isPlain ? address : `${address}#v1.${encode(this.secret)}`;
  }

  /** The address of a seat. @param {number} number */
  seat(number) {
    return `/demo/chat/user/${this.hash}/${number}`;
  }

  /** @param {string} path below `/chat-server/` @param {object} [body] */
  async call(path, body) {
    const answer = await this.ask(path, body);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).data;
  }

  /** @param {string} path @param {object} [body] */
  ask(path, body) {
    const headers = { "Content-Type": "application/json", ...(this.#token && { Authorization: `Bearer ${this.#token}` }) };
    const how = body && { method: "POST", body: JSON.stringify({ data: body }) };
    return fetch(`${this.origin}/chat-server/${path}`, { headers, ...how });
  }

  /** The newest message, as the server has it. */
  async newest() {
    const { messages } = await this.call(`user/${this.hash}/messages?limit=1`);
    return messages.at(-1);
  }

  /** Says something, having read all there is. @param {string} text */
  async say(text) {
    this.#after = (await this.newest())?.id ?? null;
    await this.#send(text);
  }

  /** Says many things in a row. @param {string[]} texts */
  async pour(texts) {
    this.#after = (await this.newest())?.id ?? null;
    for (const text of texts) await this.#send(text);
  }

  /** What a text is as it is sent. @param {string} id @param {string} text */
  seal(id, text) {
    const contents = { session: this.#session, number: ++this.#number, after: this.#after, writtenAt: Date.now(), text };
    return seal(this.keys, 1, id, contents);
  }

  /** @param {string} text */
  async #send(text) {
    const id = randomUUID();
    await this.send(id, this.isPlain ? text : await this.seal(id, text));
    this.#after = id;
  }

  /** @param {string} id @param {string} message as it is sent */
  async send(id, message) {
    await this.call(`user/${this.hash}/message_send`, { message, id });
  }
}
