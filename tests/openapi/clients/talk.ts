// Registers, logs in, sends, reads and listens with the generated TypeScript types.

import createClient from 'openapi-fetch';
import type { components, paths } from './openapi.gen.js';

declare const process: { env: Record<string, string> };

type Schemas = components['schemas'];
type Events = {
  hello: Schemas['Hello'];
  message: Schemas['Message'];
  presence: Schemas['Presence'];
  typing: Schemas['Activity'];
  receipt: Schemas['Receipt'];
  seat: Schemas['SeatChanged'];
  ended: Schemas['Ended'];
  ping: Schemas['Ping'];
};
/** One event of the stream: fails to compile when an event is described that `Events` does not have, or the other way round. */
type Event = { [Kind in Schemas['StreamEvent']['event']]: { kind: Kind; data: Events[Kind] } }[keyof Events];

function check(holds: boolean, what: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(what));
}

const client = createClient<paths>({ baseUrl: process.env.DUET_ADDRESS });

const made = await client.POST('/chat-server/register', { body: { userOne: 'Abhi', userTwo: 'Anny' } });
check(made.data !== undefined, made.error);
const hash = made.data.data.hash;

async function logIn(user: string): Promise<{ Authorization: string }> {
  const path = { username: user };
  const seated = await client.POST('/chat-server/user/{username}/login', { params: { path }, body: { user, hash } });
  check(seated.data !== undefined, seated.error);
  return { Authorization: `Bearer ${seated.data.data.token}` };
}

async function* listen(headers: { Authorization: string }): AsyncGenerator<Event> {
  const all = { path: { hash }, query: { after: 0 } };
  const opened = await client.GET('/chat-server/user/{hash}/stream', { params: all, headers, parseAs: 'stream' });
  check(opened.data !== undefined && opened.data !== null, opened.error);
  let text = '';
  for await (const part of opened.data.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)));
      if (fields.event) yield { kind: fields.event, data: JSON.parse(fields.data) } as Event;
    }
  }
}

const abhi = await logIn('Abhi');
const anny = await logIn('Anny');
const params = { path: { hash } };
const sent = await client.POST('/chat-server/user/{hash}/message_send', { params, headers: abhi, body: { message: 'Hello' } });
check(sent.data?.data.seq === 1, sent);

const page = await client.GET('/chat-server/user/{hash}/messages', { params, headers: anny });
check(page.data?.data.messages[0]?.message === 'Hello', page);

const heard: Event['kind'][] = [];
for await (const event of listen(anny)) {
  heard.push(event.kind);
  if (event.kind === 'hello') check(event.data.peer === 'Abhi' && event.data.lastSeq === 1, event);
  if (event.kind === 'message') {
    check(event.data.senderName === 'Abhi' && event.data.message === 'Hello', event);
    const ended = await client.POST('/chat-server/user/endchat', { headers: anny, body: {} });
    check(ended.data?.data.status === 'OK', ended);
  }
  if (event.kind === 'ended') check(event.data.by === 'Anny', event);
}
check(['hello', 'message', 'ended'].every((kind) => heard.includes(kind as Event['kind'])), heard);

const gone = await client.GET('/chat-server/user/{hash}/messages', { params, headers: abhi });
check(gone.error?.data.error === 'chat_ended', gone);
