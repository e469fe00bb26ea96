#!/usr/bin/env node
// An encrypted chat in a terminal: the server passes on what it cannot read. Node.js 20 or newer, nothing to install.
//
//     node examples/encrypted_chat.mjs http://127.0.0.1:8080 Abhi Anny     makes a chat and prints its link
//     node examples/encrypted_chat.mjs 'http://…/demo/chat/user/HASH#v1.SECRET' Anny [RETURN-CODE]
//
// Every line typed is sent. What arrives is opened and checked as docs/encryption.md says: a text that was changed, dropped,
// repeated or moved on its way is told of in its place. The end of the input leaves the chat and logs out.

import { randomBytes, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { encode, open, seal, secretOf, unlock } from '../views/assets/seal.js';
import { tame } from '../views/assets/tame.js';
import { reader } from '../views/assets/whole.js';

const [where, name, third] = process.argv.slice(2);
// The link for another device goes on after the secret.
const [address, fragment = ''] = where.split(/[#&]/);
const [origin, hash = encode(randomBytes(16))] = address.split('/demo/chat/user/');
const isNew = origin === address;
const secret = isNew ? new Uint8Array(randomBytes(32)) : secretOf(fragment);
if (!secret) fail('This link is incomplete: ask for the whole link, with what follows the #.');
const { auth, keys } = await unlock(hash, secret);

function fail(sentence) {
  console.error(tame(sentence));
  process.exit(1);
}

/** Names and texts are other people's, and all else comes from the server: none of it acts on the terminal or forges a line. */
const print = (line) => console.log(tame(line));

/** Posts a body; waits and repeats it as it is while the server asks for that (429, 503) or is away. */
async function call(path, body, token) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  for (;;) {
    const request = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(30_000) };
    const answer = await fetch(`${origin}/chat-server/${path}`, request).catch(() => null);
    if (answer?.ok) return (await answer.json()).data;
    if (answer && ![429, 503].includes(answer.status)) fail((await answer.json()).data.message);
    await new Promise((done) => setTimeout(done, 1000 * Number(answer?.headers.get('Retry-After') ?? 1)));
  }
}

if (isNew) {
  const chat = { userOne: name, userTwo: third, hash, id: randomUUID(), encryption: 'v1', auth };
  const { url } = await call('register', chat);
  print(`link: ${url}#v1.${encode(secret)}`);
}
const proof = isNew || !third ? {} : { returnCode: third };
const login = { user: name, hash, auth, id: randomUUID(), ...proof };
const me = await call(`user/${encodeURIComponent(name)}/login`, login);
// A server that could talk a client out of encrypting would read everything.
if (me.encryption !== 'v1') fail('This chat is not encrypted, and its link says that it is.');
// Who made the chat is in seat 1, who was invited in seat 2. In one seat, each could be shown the other's words as their own.
if (me.seat !== (isNew ? 1 : 2) && (isNew || !third)) fail('The server says that you are the other person.');
if (me.returnCode) print(`return code: ${me.returnCode}`);

/** What this program has sealed and opened so far. */
const session = randomBytes(8).toString('hex');
let number = 0;
let after = null;
let seq = 0;
const shown = new Set();
const { skip, check } = reader(1);

const words = {
  missing: ({ count }) => `missing before the next line: ${count}`,
  moved: () => 'the order was changed here, or something is missing',
  repeated: () => 'a message was repeated here',
  // A sender's clock may show more than a date can be.
  written: ({ at }) => `the next line was written at ${new Date(Math.min(at, 8.64e15)).toISOString()}`,
};

async function show({ id, senderName, message, timestamp }) {
  const seat = senderName === me.you ? me.seat : 3 - me.seat;
  const contents = await open(keys, seat, id, message);
  if (!contents) {
    skip(id);
    return print(`*** a message from ${senderName} does not open: it was changed on its way`);
  }
  const findings = check(seat, id, contents, Date.parse(timestamp));
  for (const finding of findings) print(`*** ${words[finding.kind](finding)}`);
  after = id;
  if (!findings.some(({ kind }) => kind === 'repeated')) print(`${senderName}: ${contents.text}`);
}

/** Shows the conversation from its first message on, and goes on across lost connections. */
async function listen() {
  for (;;) {
    const headers = { Authorization: `Bearer ${me.token}`, 'Last-Event-ID': String(seq) };
    const answer = await fetch(`${origin}/chat-server/user/${hash}/stream`, { headers }).catch(() => null);
    if (answer?.status === 204) return console.log('the chat has ended');
    if (answer?.ok) await read(answer.body).catch(() => {});
    await new Promise((done) => setTimeout(done, 1000));
  }
}

async function read(body) {
  let text = '';
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)));
      const data = event.data && JSON.parse(event.data);
      if (event.event === 'hello') me.you = data.you;
      if (event.event === 'hello' && data.encryption !== 'v1') fail('The server says that this chat is not encrypted any more.');
      if (event.event !== 'message' || shown.has(data.id + data.seq)) continue;
      shown.add(data.id + data.seq);
      await show(data);
      seq = Math.max(seq, data.seq);
    }
  }
}

const ended = listen();
const typed = (async () => {
  for await (const text of createInterface({ input: process.stdin })) {
    if (!text.trim()) continue;
    const id = randomUUID();
    const contents = { session, number: ++number, after, writtenAt: Date.now(), text };
    // Sealed once: sending again repeats the same ciphertext under the same id.
    const message = await seal(keys, me.seat, id, contents);
    await call(`user/${hash}/message_send`, { message, id }, me.token);
  }
  await call('user/logout', {}, me.token);
})();
await Promise.race([ended, typed]);
process.exit(0);
