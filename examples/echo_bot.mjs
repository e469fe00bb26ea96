#!/usr/bin/env node
// A bot that sits in a chat and repeats what the other person says. Node.js 20 or newer, nothing to install.
//
//     node examples/echo_bot.mjs http://127.0.0.1:8080/demo/chat/user/HASH Anny
//
// It shows what every client needs: log in by link and name, read the stream, resume it after a
// break with Last-Event-ID, and send with an id, so that a repeated send stores nothing twice.

import { createHash, randomUUID } from 'node:crypto';

const [link, name] = process.argv.slice(2);
const [origin, hash] = link.split('/demo/chat/user/');
const user = `${origin}/chat-server/user`;
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Posts a body; waits and repeats while the server asks for that (429, 503) or is away. */
async function call(path, body, token) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  for (;;) {
    const request = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(30_000) };
    const answer = await fetch(`${user}/${path}`, request).catch(() => null);
    if (answer?.ok) return (await answer.json()).data;
    if (answer && ![429, 503].includes(answer.status)) throw new Error((await answer.json()).data.message);
    await pause(Number(answer?.headers.get('Retry-After') ?? 1));
  }
}

/** Yields the parsed events of one connection; ends when it is lost or silent for 40 seconds. */
async function* read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    let timer;
    // The server says something every 15 seconds.
    const silence = new Promise((_, lost) => { timer = setTimeout(() => lost(new Error('silence')), 40_000); });
    const { done, value } = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
    if (done) return;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)));
      if (fields.event) yield fields;
    }
  }
}

/** Yields every event from the message after `last` on, across lost connections. */
async function* events(token, last) {
  for (;;) {
    try {
      const headers = { Authorization: `Bearer ${token}`, 'Last-Event-ID': String(last) };
      const answer = await fetch(`${user}/${hash}/stream`, { headers });
      if (answer.status === 204) return; // The chat has ended.
      if ([401, 403, 404, 410].includes(answer.status)) throw (await answer.json()).data.message;
      if (answer.ok) {
        for await (const event of read(answer.body)) {
          last = event.id ?? last;
          yield [event.event, JSON.parse(event.data)];
        }
      }
    } catch (refused) {
      if (typeof refused === 'string') throw new Error(refused);
    }
    await pause(1);
  }
}

/** A UUID made from a message's id: the answer to a message has the same id after a crash. */
function answerId(id) {
  const digest = createHash('sha256').update(`echo ${id}`).digest('hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

const me = await call(`${encodeURIComponent(name)}/login`, { user: name, hash, id: randomUUID() });
console.log(`logged in; return code: ${me.returnCode ?? '(set before)'}`);
for await (const [kind, data] of events(me.token, me.lastSeq)) {
  if (kind === 'message' && data.senderName === me.peer) {
    await call(`${hash}/message_send`, { message: `You said: ${data.message}`, id: answerId(data.id) }, me.token);
  } else if (kind === 'ended') {
    break;
  }
}
console.log('the chat has ended');
