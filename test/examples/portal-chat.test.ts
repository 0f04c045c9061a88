import { io, type Socket } from 'socket.io-client';
import { expect, onTestFinished, test } from 'vitest';
import { createPortalServer, type PortalServer } from '../../examples/portal-chat/server.ts';

type Received = { readonly chatId: string; readonly message: { readonly text: string; readonly visibleTo?: readonly string[] } };

async function start(port = 0): Promise<PortalServer> {
  const server = await createPortalServer({ port });
  onTestFinished(() => server.close());
  return server;
}

function ask(server: PortalServer, path: string, body: object, token = ''): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function tokenOf(server: PortalServer, name: string): Promise<string> {
  return (await (await ask(server, '/auth/login', { name })).json()).token;
}

/** A client of the server that is in the chat. */
async function enter(server: PortalServer, token: string): Promise<{ socket: Socket; heard: string[] }> {
  const socket = io(server.url, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
  onTestFinished(() => void socket.close());
  const heard: string[] = [];
  socket.on('new_message', ({ message }: Received) => heard.push(message.text));
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  const before = server.facts.rooms.length;
  socket.emit('join_chat', { chatId: 'lunch' });
  await expect.poll(() => server.facts.rooms.length).toBeGreaterThan(before);
  return { socket, heard };
}

test('a private message reaches its readers only, also when the process knows nobody any more', async () => {
  const first = await start();
  const [ada, bob, eve] = await Promise.all(['Ada', 'Bob', 'Eve'].map((name) => tokenOf(first, name)));
  await first.close();
  const server = await start();
  const [one, two, three] = [await enter(server, ada ?? ''), await enter(server, bob ?? ''), await enter(server, eve ?? '')];

  const answer = await ask(server, '/chat/lunch/messages', { text: 'a surprise', visibleTo: ['bob'] }, ada);
  expect(await answer.json()).toMatchObject({ visibleTo: ['bob'] });
  await ask(server, '/chat/lunch/messages', { text: 'soup' }, ada);
  await expect.poll(() => three.heard).toContain('soup');
  expect(three.heard).toEqual(['soup']);
  await expect.poll(() => two.heard).toEqual(['a surprise', 'soup']);
  await expect.poll(() => one.heard).toEqual(['a surprise', 'soup']);
});

test.each(['bob', ['nobody-here']])('a message for %j is refused, and does not get public', async (visibleTo) => {
  const server = await start();
  const token = await tokenOf(server, 'Ada');
  await tokenOf(server, 'Bob');
  expect((await ask(server, '/chat/lunch/messages', { text: 'a surprise', visibleTo }, token)).status).toBe(422);
  expect(server.messages('lunch')).toEqual([]);
});

test.each(['join_chat', 'leave_chat', 'user_typing'])('the server goes on after a %s without a chat', async (event) => {
  const server = await start();
  const { socket, heard } = await enter(server, await tokenOf(server, 'Ada'));
  for (const message of [undefined, null, 'lunch', { chatId: 7 }, { chatId: 'nowhere' }]) socket.emit(event, message);
  socket.emit('leave_chat', { chatId: 'lunch' });
  socket.emit('join_chat', { chatId: 'lunch' });
  await expect.poll(() => server.facts.rooms.length).toBe(3);
  server.say('lunch', 'robin', 'soup');
  await expect.poll(() => heard).toEqual(['soup']);
});
