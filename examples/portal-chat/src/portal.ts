import { RealtimeError } from 'keepwire';
import { feed } from './feed.ts';
import { connect, type Portal } from './realtime.ts';
import { forgetSession, load, restoreSession, type Session, signIn } from './session.ts';
import { type Chat, type Message, reset, usePortal } from './store.ts';
import type { WireMessage } from './wire.ts';

/** What one user has open; there is at most one. */
let open: { readonly realtime: Portal; readonly stop: () => void } | undefined;

/** Connects at sign-in. */
export async function enter(name: string): Promise<void> {
  begin(await signIn(name));
}

/** Connects again after a reload. */
export function resume(): void {
  const session = restoreSession();
  if (session && !open) begin(session);
}

/** Disconnects and clears everything at sign-out. */
export function exit(): void {
  open?.stop();
  open?.realtime.close();
  open = undefined;
  usePortal.getState().session?.ended.abort();
  forgetSession();
  reset(undefined);
}

/** Tries again after the server has ended the connection for good. */
export function reconnect(): void {
  open?.realtime.start();
}

/** Says something: on the screen at once, with the server when it can be. */
export async function say(chatId: string, text: string, visibleTo?: readonly string[]): Promise<void> {
  const { session } = usePortal.getState();
  if (!session) return;
  const clientId = crypto.randomUUID();
  await send(chatId, { id: clientId, clientId, from: session.user.id, text, at: Date.now(), visibleTo, state: 'pending' });
}

/** Sends what failed once more, under the same id. */
export async function sayAgain(chatId: string, message: Message): Promise<void> {
  await send(chatId, { ...message, state: 'pending', problem: undefined });
}

/** Tells the others in a chat that we write. */
export function tellTyping(chatId: string): void {
  const { session, connection } = usePortal.getState();
  if (!open || !session || connection?.status !== 'connected') return;
  const channel = open.realtime.channel(chatId);
  const data = { userId: session.user.id, isTyping: true };
  // nobody needs it later, and nobody misses it
  channel
    .publish('user_typing', data, { volatile: true })
    .catch(() => {})
    .finally(channel.leave);
}

/** Brings the list of chats: rooms that are not shown are not joined, so it is asked for now and then. */
export async function loadChats(): Promise<void> {
  const { session, listed } = usePortal.getState();
  if (!session) return;
  const [{ chats }, { users }] = await Promise.all([
    load<{ chats: Chat[] }>(session, '/chats'),
    load<{ users: { id: string; name: string }[] }>(session, '/users'),
  ]);
  if (!session.ended.signal.aborted) listed(chats, Object.fromEntries(users.map(({ id, name }) => [id, name])));
}

async function send(chatId: string, message: Message): Promise<void> {
  const { noted, received } = usePortal.getState();
  if (!open) return;
  noted(chatId, message);
  const { clientId, text, visibleTo } = message;
  const channel = open.realtime.channel(chatId);
  try {
    const stored = await channel.request('say', { text, visibleTo }, { id: clientId, timeoutMs: 30_000 });
    received(chatId, stored as WireMessage);
  } catch (error) {
    // after a sign-out there is nobody to tell
    if (usePortal.getState().session?.user.id !== message.from) return;
    noted(chatId, { ...message, state: 'failed', problem: problemOf(error) });
  } finally {
    channel.leave();
  }
}

function begin(session: Session): void {
  reset(session);
  const realtime = connect(session);
  const reload = (chatId: string): void => void loadMessages(session, chatId).catch(() => {});
  open = { realtime, stop: feed(realtime, usePortal, reload) };
  realtime.start();
  void loadChats().catch(() => {});
}

async function loadMessages(session: Session, chatId: string): Promise<void> {
  const known = usePortal
    .getState()
    .messages[chatId]?.filter(({ state }) => state === 'sent')
    .at(-1);
  const path = `/chat/${encodeURIComponent(chatId)}/messages${known ? `?after=${known.id}` : ''}`;
  const { messages } = await load<{ messages: WireMessage[] }>(session, path);
  if (!session.ended.signal.aborted) usePortal.getState().received(chatId, ...messages);
}

function problemOf(error: unknown): string {
  if (!RealtimeError.is(error)) return String(error);
  if (error.code === 'expired') return 'there was no connection';
  return error.serverCode ? `the server refused it (${error.serverCode})` : error.message;
}
