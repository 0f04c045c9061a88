import { type Channel, RealtimeError } from 'keepwire';
import { log, publishStatus } from './debug.ts';
import { onFlags, readFlags } from './flags.ts';
import { createMeter, type Meter } from './metrics.ts';
import { connect, type Realtime } from './realtime.ts';
import { forgetSession, rest, restoreSession, type Session, signIn } from './session.ts';
import { inChannel, type Message, put, replacePart, store } from './store.ts';
import { type events, userChannel, type WireChannel, type WireMessage, type WirePresence } from './wire.ts';

/** What one user has open. */
export interface Chat {
  readonly session: Session;
  readonly realtime: Realtime;
  readonly meter: Meter;
  /** Listens to these channels, and to no other. */
  follow(channels: readonly WireChannel[]): void;
  end(): void;
}

const pageSize = 1_000;
const listeners = new Set<() => void>();
/** Who writes says so every two seconds, and who has gone away does not say that it is over. */
const typingMs = 8_000;
const typingEnds = new Map<string, ReturnType<typeof setTimeout>>();
let open: Chat | undefined;

export const currentChat = (): Chat | undefined => open;

export function onChat(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export async function enter(name: string): Promise<void> {
  await begin(await signIn(name));
}

/** After a reload of the page. */
export async function resume(): Promise<void> {
  const session = restoreSession();
  if (session && !open) await begin(session);
}

export function exit(): void {
  open?.end();
  open = undefined;
  for (const timer of typingEnds.values()) clearTimeout(timer);
  typingEnds.clear();
  forgetSession();
  store.reset();
  tellAll();
}

async function begin(session: Session): Promise<void> {
  const { replay } = await rest<{ replay: boolean }>(session, '/api/realtime/status');
  if (open) return;
  const realtime = connect(session, replay);
  const meter = createMeter(realtime);
  const handles = new Map<string, Channel<typeof events>>();
  const me = realtime.channel(userChannel);
  /** The channels of the user, as of now; the screen hears of them with its next frame. */
  let channels: readonly WireChannel[] = [];

  me.on('init', (init) => follow(init.channels));
  me.on('channel_event', ({ action, channel, userId }) => {
    log('channel', action, channel.id);
    const isGone = action === 'deleted' || (action === 'member_removed' && userId === session.userId);
    const others = channels.filter(({ id }) => id !== channel.id);
    if (isGone) follow(others);
    else
      follow(
        others.length < channels.length ? channels.map((one) => (one.id === channel.id ? channel : one)) : [...others, channel],
      );
  });
  me.on('presence', (presence) =>
    store.change((state) => ({ ...state, people: { ...state.people, [presence.userId]: presence } })),
  );
  me.on('broadcast', ({ text }) => store.change((state) => ({ ...state, announcement: text })));
  me.on('message', ({ username, text }) =>
    store.change((state) => ({ ...state, announcement: `${username} to you alone: ${text}` })),
  );
  const stops = [
    // what cannot be replayed is asked for
    realtime.on('gap', ({ channel, reason }) => {
      log('gap', channel, reason);
      if (channel === userChannel) void refreshLists(session);
      // a channel that was never shown is loaded when it is
      else if (store.get().messages[channel]) void reload(session, channel);
    }),
    realtime.status.subscribe((status) => {
      log('status', status.status, status.transport, status.reason?.message ?? '');
    }),
    onFlags(() => (readFlags().realtime ? realtime.start() : realtime.stop())),
  ];
  const sayPresence = (): void => {
    if (!readFlags().presence) return;
    const status = document.visibilityState === 'visible' ? 'online' : 'away';
    rest(session, '/api/presence', 'POST', { status, currentChannel: store.get().shown }).catch(() => {});
  };
  document.addEventListener('visibilitychange', sayPresence);
  publishStatus({
    get status() {
      return realtime.status.get();
    },
    get gaps() {
      return realtime.metrics().gaps;
    },
    get renders() {
      return { ...store.counts };
    },
    get metrics() {
      return meter.read();
    },
  });

  open = {
    session,
    realtime,
    meter,
    follow,
    end() {
      document.removeEventListener('visibilitychange', sayPresence);
      for (const stop of stops) stop();
      meter.stop();
      realtime.close();
    },
  };
  if (readFlags().realtime) realtime.start();
  tellAll();
  await refreshLists(session);

  /** Listens to the channels of the user, and to no other. */
  function follow(next: readonly WireChannel[]): void {
    channels = next;
    for (const [id, handle] of handles) {
      if (channels.some((channel) => channel.id === id)) continue;
      handle.leave();
      handles.delete(id);
    }
    for (const { id } of channels) if (!handles.has(id)) handles.set(id, listen(id));
    store.change((state) => {
      const shown = next.some(({ id }) => id === state.shown) ? state.shown : undefined;
      return { ...state, channels: next, shown };
    });
  }

  function listen(id: string): Channel<typeof events> {
    const channel = realtime.channel(id);
    channel.on('channel_message', ({ action, message }) => {
      const startMs = performance.now();
      applyMessage(id, action, message, session.userId);
      if (action === 'new') meter.handled(message.at, performance.now() - startMs);
    });
    channel.on('typing', ({ userId, username, isTyping }) => {
      if (readFlags().typing) setTyping(id, userId, isTyping ? username : undefined);
    });
    return channel;
  }
}

function applyMessage(id: string, action: 'new' | 'edited' | 'deleted', message: WireMessage, me: string): void {
  setTyping(id, message.from, undefined);
  store.change((state) => {
    const changed = inChannel(id, (list) => {
      if (action === 'deleted') return list.filter((one) => one.id !== message.id);
      if (action === 'edited') return list.map((one) => (one.id === message.id ? { ...message, state: 'sent' } : one));
      return put(list, { ...message, state: 'sent' });
    })(state);
    if (action !== 'new' || state.shown === id || message.from === me) return changed;
    return { ...changed, unread: { ...changed.unread, [id]: (changed.unread[id] ?? 0) + 1 } };
  });
}

function setTyping(id: string, userId: string, name: string | undefined): void {
  const key = `${id} ${userId}`;
  clearTimeout(typingEnds.get(key));
  typingEnds.delete(key);
  if (name !== undefined) typingEnds.set(key, setTimeout(setTyping, typingMs, id, userId, undefined));
  store.change((state) => {
    const { [userId]: _, ...others } = state.typing[id] ?? {};
    if (name === undefined && !_) return state;
    return { ...state, typing: { ...state.typing, [id]: name === undefined ? others : { ...others, [userId]: name } } };
  });
}

/** Shows a channel, and loads its history the first time. */
export function show(id: string | undefined): void {
  store.changeNow((state) => ({ ...state, shown: id, unread: id ? { ...state.unread, [id]: 0 } : state.unread }));
  if (!open || id === undefined) return;
  void reload(open.session, id);
  if (readFlags().presence) rest(open.session, '/api/presence', 'POST', { status: 'online', currentChannel: id }).catch(() => {});
}

/** Everything that is shown, by REST: what the button does while there is no connection. */
export async function refresh(): Promise<void> {
  if (!open) return;
  const { session } = open;
  const { shown } = store.get();
  await Promise.all([refreshLists(session), shown === undefined ? undefined : reload(session, shown)]);
  open?.realtime.retryNow();
}

async function refreshLists(session: Session): Promise<void> {
  const [{ channels }, { users }] = await Promise.all([
    rest<{ channels: WireChannel[] }>(session, '/api/channels'),
    rest<{ users: WirePresence[] }>(session, '/api/users'),
  ]);
  if (open?.session !== session) return;
  open.follow(channels);
  store.change((state) => ({ ...state, people: Object.fromEntries(users.map((user) => [user.userId, user])) }));
}

/** The newest page of a channel replaces what we have of it; older pages follow until the history is full. */
async function reload(session: Session, id: string): Promise<void> {
  try {
    let before: string | undefined;
    for (let count = 0; count < longestRun; count++) {
      const size = before === undefined ? 100 : pageSize;
      const path = `/api/channels/${encodeURIComponent(id)}/messages?limit=${size}${before ? `&before=${before}` : ''}`;
      const { messages, hasMore } = await rest<{ messages: WireMessage[]; hasMore: boolean }>(session, path);
      if (open?.session !== session) return;
      const known = store.get().messages[id]?.filter(({ state }) => state === 'sent') ?? [];
      const isFirst = before === undefined;
      const older = before;
      store.change(
        inChannel(id, (list) =>
          isFirst
            ? replacePart(list, messages, !hasMore)
            : [
                ...messages.map((one) => ({ ...one, state: 'sent' as const })),
                ...list.filter((one) => one.state !== 'sent' || Number(one.id) >= Number(older)),
              ],
        ),
      );
      before = messages[0]?.id;
      // what is older is there already
      const isJoined =
        known.some((one) => Number(one.id) < Number(before)) && known.some((one) => Number(one.id) >= Number(before));
      if (!hasMore || before === undefined || (isFirst && isJoined)) return;
    }
  } catch (error) {
    open?.meter.failed('rest');
    log('history', id, error);
  }
}

/** As many pages as the longest history has. */
const longestRun = 11;

/** Says something: on the screen at once, with the server when it can be. */
export async function say(id: string, text: string): Promise<void> {
  if (!open) return;
  const clientId = crypto.randomUUID();
  const { userId } = open.session;
  await send({ id: clientId, clientId, channel: id, from: userId, text, at: Date.now(), state: 'pending' });
}

/** Sends what failed once more, under the same id. */
export async function sayAgain(message: Message): Promise<void> {
  await send({ ...message, state: 'pending', problem: undefined });
}

export function discard(message: Message): void {
  store.changeNow(inChannel(message.channel, (list) => list.filter((one) => one !== message)));
}

/** Changes a message; on the screen when the server has. */
export async function edit({ channel, id }: Message, text: string): Promise<void> {
  await transmit(channel, `/api/messages/${id}`, 'PATCH', { text }, (handle) =>
    handle.request('edit', { id, text }, { timeoutMs: 15_000 }),
  );
}

export async function remove({ channel, id }: Message): Promise<void> {
  await transmit(channel, `/api/messages/${id}`, 'DELETE', undefined, (handle) =>
    handle.request('remove', { id }, { timeoutMs: 15_000 }),
  );
}

/** Tells the others in a channel that we write. */
export function tellTyping(id: string, isTyping: boolean): void {
  if (!readFlags().typing || open?.realtime.status.get().status !== 'connected') return;
  // nobody needs it later, and nobody misses it
  onServer(id, (handle) => handle.publish('tell_typing', { isTyping }, { volatile: true })).catch(() => {});
}

async function send(message: Message): Promise<void> {
  const { channel, clientId, text } = message;
  store.changeNow(inChannel(channel, (list) => put(list, message)));
  try {
    const path = `/api/channels/${encodeURIComponent(channel)}/messages`;
    const answer = await transmit(channel, path, 'POST', { text, clientId }, (handle) =>
      handle.request('say', { text }, { id: clientId, timeoutMs: 30_000 }),
    );
    const stored = (answer as { message: WireMessage }).message;
    store.change(inChannel(channel, (list) => put(list, { ...stored, state: 'sent' })));
  } catch (error) {
    store.change(inChannel(channel, (list) => put(list, { ...message, state: 'failed', problem: problemOf(error) })));
  }
}

/** Over the connection, which sends by REST; where realtime is switched off, by REST alone. */
async function transmit(
  id: string,
  path: string,
  method: string,
  content: object | undefined,
  send: (handle: Channel<typeof events>) => Promise<unknown>,
): Promise<unknown> {
  if (readFlags().realtime || !open) return onServer(id, send);
  const answer = await rest(open.session, path, method, content);
  void reload(open.session, id);
  return answer;
}

async function onServer<T>(id: string, run: (handle: Channel<typeof events>) => Promise<T>): Promise<T> {
  if (!open) throw new RealtimeError('closed', 'nobody is signed in');
  const handle = open.realtime.channel(id);
  return run(handle).finally(handle.leave);
}

export function problemOf(error: unknown): string {
  if (!RealtimeError.is(error)) return String(error);
  if (error.code === 'expired') return 'the server did not answer';
  return error.serverCode ? `the server refused it (${error.serverCode})` : error.message;
}

function tellAll(): void {
  for (const listener of [...listeners]) listener();
}
