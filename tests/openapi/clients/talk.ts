// Registers, logs in, sends and reads with the generated TypeScript types.

import createClient from 'openapi-fetch';
import type { paths } from './openapi.gen.js';

declare const process: { env: Record<string, string> };

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

const abhi = await logIn('Abhi');
const anny = await logIn('Anny');
const params = { path: { hash } };
const sent = await client.POST('/chat-server/user/{hash}/message_send', { params, headers: abhi, body: { message: 'Hello' } });
check(sent.data?.data.seq === 1, sent);

const page = await client.GET('/chat-server/user/{hash}/messages', { params, headers: anny });
check(page.data?.data.messages[0]?.message === 'Hello', page);

const ended = await client.POST('/chat-server/user/endchat', { headers: anny, body: {} });
check(ended.data?.data.status === 'OK', ended);
const gone = await client.GET('/chat-server/user/{hash}/messages', { params, headers: abhi });
check(gone.error?.data.error === 'chat_ended', gone);
