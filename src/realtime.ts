import { type ChannelHost, createChannel } from './channel/channel.ts';
import { createJoining, type JoinLink } from './channel/joining.ts';
import { assertName } from './channel/names.ts';
import { createRegistry } from './channel/registry.ts';
import { createSending } from './channel/sending.ts';
import { createSubscription, type SubscriptionHooks } from './channel/subscription.ts';
import { createAuth } from './connection/auth.ts';
import { createConnection } from './connection/connection.ts';
import { createHistory } from './connection/history.ts';
import { createHolds } from './connection/holds.ts';
import { createRoutes } from './connection/routes.ts';
import type { LiveLink } from './connection/session.ts';
import { nextStatus } from './connection/status.ts';
import { createOutbox } from './delivery/outbox.ts';
import { RealtimeError } from './errors.ts';
import { createBus } from './events/bus.ts';
import { writable } from './events/readable.ts';
import { createInbound } from './inbound.ts';
import type { LifecycleEvents, RealtimeManager } from './manager.ts';
import { createMetrics } from './monitor/metrics.ts';
import { noteFor } from './monitor/probe.ts';
import { assertMode, type RealtimeOptions, resolveOptions } from './options.ts';
import { abortedError, removable } from './platform/abort.ts';
import { reportUnheard } from './platform/report.ts';
import { waitFor } from './platform/wait.ts';
import { createValidator, type EventSchemas } from './protocol/schema.ts';

/** After a candidate for a wished-for transport has failed: wait this long, doubling up to the longest. */
const firstRerouteMs = 2_000;
const longestRerouteMs = 60_000;

/**
 * Makes a manager.
 *
 * @throws RealtimeError `invalid-option`, naming the option
 * @example
 * ```ts
 * const realtime = createRealtime({
 *   transports: [websocket({ url: '/realtime' }), sse({ url: '/realtime/sse', sendUrl: '/realtime/send' })],
 *   events: { message: z.object({ text: z.string() }) },
 * });
 * realtime.start();
 * realtime.channel('lobby').on('message', ({ text }) => console.log(text));
 * ```
 */
export function createRealtime<Schemas extends EventSchemas = EventSchemas>(
  options: RealtimeOptions<Schemas>,
): RealtimeManager<Schemas> {
  const resolved = resolveOptions(options);
  const { transports, platform, probe } = resolved;
  const { clock } = platform;
  const note = noteFor(probe, clock);
  const metrics = createMetrics();
  const validator = createValidator(resolved.events);
  const report = (error: unknown): void => handlerFailed(error, 'a listener of the manager');
  /** True while listeners of `fault` are called: what they throw themselves must not come back to them. */
  let isFaulting = false;
  const bus = createBus<{ [Name in keyof LifecycleEvents]: LifecycleEvents[Name] }>(report);
  const mode = writable(resolved.mode, report);
  const ended = new AbortController();
  /** For each transport by name: the last id of its stream as a whole, for servers that resume by it. */
  const cursors = new Map<string, string>();
  let stopListening = (): void => {};
  /** Names us over all our links; another user gets another name. */
  let client = platform.newId();
  /** The link that sends go to. */
  let sending: LiveLink | undefined;
  /** Sends go by REST, as there is no link. */
  let isPosting = false;
  /** How long until a wished-for transport that failed is tried again, doubling. */
  let rerouteMs = firstRerouteMs;
  let cancelReroute = (): void => {};
  /** The transport that carried traffic last, by name. */
  let lastTransport: string | undefined;

  const registry = createRegistry(resolved.leaveAfterMs, clock, {
    create: (name) => createSubscription(name, hooks),
    added: (name) => joining.added(name),
    dropped(name) {
      joining.dropped(name);
      // its sends wait for a join that nobody wants any more
      outbox.flush();
    },
    reopened: (name) => joining.heal(name),
  });
  const joining = createJoining(registry.positions, clock, () => {
    // a candidate that is on its way is checked when it comes up
    if (connection.state.phase === 'open' && !connection.state.candidate) connection.redial();
  });
  const hooks: SubscriptionHooks = {
    ...resolved,
    ...platform,
    validator,
    metrics,
    note,
    answered: () => outbox.flush(),
    handlerFailed: (error, channel) => handlerFailed(error, `a handler on the channel ${channel}`),
    invalid(error, { channel, event, offset }) {
      metrics.invalid += 1;
      bus.emit('invalid', { channel, event, offset, error });
    },
    gap(gap) {
      metrics.gaps += 1;
      bus.emit('gap', gap);
    },
    heal(channel) {
      metrics.heals += 1;
      joining.heal(channel);
    },
  };
  const names = transports.map(({ name }) => name);
  const routes = createRoutes({ ...platform, names, memory: resolved.remember });
  const history = createHistory(clock, report);
  const auth = createAuth(resolved.auth, clock, resolved.authTimeoutMs, (change) => {
    connection.stop();
    forgetUser(`the user ${change.from} is not signed in any more`);
    connection.start();
    bus.emit('identity', change);
  });
  /** Sends while there is no link. */
  const post = resolved.posts?.alone({
    get client() {
      return client;
    },
    clock,
    signal: ended.signal,
    credentials: () => auth.credentials('reconnect'),
    refuse: auth.refuse,
  });
  const receive = createInbound({
    ...{ registry, cursors, metrics, note, fault },
    isAlone: (link) => connection.isAlone(link),
    answered: (frame) => outbox.answered(frame),
  });
  const connection = createConnection({
    ...resolved,
    auth,
    routes,
    get client() {
      return client;
    },
    note: history.note,
    watch: note,
    channels: registry.positions,
    cursor: (name) => cursors.get(name),
    positionRefused(name, channel) {
      if (channel === undefined) cursors.delete(name);
      else registry.get(channel)?.forget();
    },
    listener: {
      changed: showState,
      up(link) {
        metrics.links += 1;
        const { id, transport, info } = link;
        const tell: JoinLink['tell'] = (frames) =>
          link.send(frames).catch((error: unknown) => {
            controlFailed(link, error);
            throw error;
          });
        joining.up({ id, joining: transport.capabilities.joining, carried: info.joining, tell });
      },
      frames: receive,
      down({ id }) {
        joining.down(id);
        outbox.linkDown(id);
      },
      candidateFailed() {
        joining.again();
        // an unmet wish is tried again after a while
        if (transports[routes.pick()] !== connection.facts().transport) rerouteLater();
      },
      fault,
    },
  });
  // where a join is a link of its own, a POST would be faster, and we would miss our own message
  const outbox = createOutbox(resolved.outbox, clock, connection.drained, {
    isEarly(channel) {
      const isDialled = sending?.transport.capabilities.joining === 'dial';
      return isDialled && registry.get(channel)?.state.get().status === 'joining';
    },
    late: (entry) => bus.emit('late', entry),
    report,
  });
  const { entries, cancel, retry, hold: holdSends } = outbox;
  const { restore, taken, flush } = outbox;
  resolved.outbox.storage?.open({ clock, newId: platform.newId, restore, taken, flush, degraded: fault });
  const status = writable(nextStatus(undefined, connection.state, connection.facts(), resolved.mode, clock), report);
  const holds = createHolds(connection, clock);
  pin(resolved.mode);

  const host: ChannelHost = {
    ended: ended.signal,
    ...createSending({
      ...resolved,
      validator,
      outbox,
      limits: resolved.outbox,
      newId: platform.newId,
      ended: ended.signal,
      client: () => client,
      metrics,
      note,
      canSend: Boolean(post) || transports.some(({ capabilities }) => capabilities.send),
      turns: (channel) => registry.get(channel)?.outgoing,
      link: () => (connection.current?.transport.capabilities.send ? connection.current : undefined),
    }),
    platform,
    report: (error, channel) => (RealtimeError.is(error) ? fault(error) : hooks.handlerFailed(error, channel)),
    onGap: (channel, listener) => bus.on('gap', (gap) => gap.channel === channel && listener(gap)),
    announce: joining.announce,
    release: registry.release,
  };

  const manager: RealtimeManager<Schemas> = {
    status,
    mode,
    history: history.decisions,
    start() {
      assertOpen('start');
      stopListening();
      stopListening = holds.follow(platform.signals);
      connection.start();
    },
    stop() {
      stopListening();
      cancelReroute();
      connection.stop();
    },
    signOut() {
      assertOpen('signOut');
      manager.stop();
      auth.forget();
      forgetUser('the user has signed out');
    },
    close() {
      if (ended.signal.aborted) return;
      stopListening();
      connection.close();
      outbox.close(closedError('a send'));
      joining.close();
      cancelReroute();
      ended.abort();
      registry.clear();
      bus.clear();
    },
    async ready({ signal } = {}) {
      assertOpen('ready');
      return waitFor<void>('waiting for the connection', { signal, ended: ended.signal }, (resolve, reject) =>
        status.subscribe(({ status: word, reason }) => {
          if (word === 'connected') resolve();
          else if (word === 'failed') reject(reason);
        }),
      );
    },
    hold(name) {
      assertOpen('hold');
      return holds.hold(name, true);
    },
    retryNow: () => connection.wake(),
    setMode(next) {
      assertOpen('setMode');
      assertMode(next, transports);
      pin(next);
      mode.set(next);
      connection.reroute();
      showState();
    },
    channel(name, { signal } = {}) {
      assertOpen('channel');
      assertName('a channel name', name);
      if (signal?.aborted) throw abortedError(`opening the channel ${name}`, signal);
      return createChannel<Schemas>(registry.retain(name), host, signal);
    },
    on(event, listener, { signal } = {}) {
      assertOpen('on');
      return removable(bus.on(event, listener), signal);
    },
    async once(event, { signal } = {}) {
      assertOpen('once');
      return waitFor(`waiting for ${event}`, { signal, ended: ended.signal }, (resolve) => bus.on(event, resolve));
    },
    outbox: { entries, cancel, retry, hold: holdSends },
    metrics: () => ({ ...metrics }),
  };
  probe?.attach?.(manager as RealtimeManager, { clock, ended: ended.signal, outbox: resolved.outbox });
  return manager;

  function assertOpen(what: string): void {
    if (ended.signal.aborted) throw closedError(what);
  }

  function forgetUser(message: string): void {
    client = platform.newId();
    outbox.clear(new RealtimeError('signed-out', message, { hint: 'What was theirs is never sent as somebody else.' }));
    joining.close();
    cursors.clear();
    for (const subscription of registry.all()) subscription.reset();
  }

  function pin(next: string): void {
    const index = transports.findIndex(({ name }) => name === next);
    routes.pin(index < 0 ? undefined : index);
  }

  function showState(): void {
    const { current, state } = connection;
    if (current !== sending) {
      const replaced = sending;
      sending = current;
      const { send: canSend, ack, honoursIds } = current?.transport.capabilities ?? {};
      outbox.use(current && canSend && ack ? { id: current.id, ack, honoursIds, send: current.send } : undefined);
      if (current && replaced && !outbox.isBusy(replaced.id)) connection.drained(replaced.id);
    }
    const isDown = state.attempt > 0 && (state.phase === 'waiting' || state.phase === 'connecting');
    if (post && isDown !== isPosting) {
      isPosting = isDown;
      if (!current) outbox.use(isDown ? { id: 0, ack: 'receipt', send: post } : undefined);
    }
    if (connection.state.phase !== 'open') for (const subscription of registry.all()) subscription.disconnected();
    const before = status.get();
    status.set(nextStatus(before, connection.state, connection.facts(), mode.get(), clock));
    if (status.get() !== before) bus.emit('status', status.get());
    const to = current?.transport.name;
    if (!to || to === lastTransport) return;
    if (lastTransport) bus.emit('switched', { from: lastTransport, to });
    lastTransport = to;
    // what the streams of the other transports stood at has been overtaken
    for (const name of cursors.keys()) if (name !== to) cursors.delete(name);
    rerouteMs = firstRerouteMs;
  }

  function rerouteLater(): void {
    cancelReroute();
    cancelReroute = clock.schedule(() => {
      if (connection.state.phase === 'open') connection.reroute();
    }, rerouteMs);
    rerouteMs = Math.min(rerouteMs * 2, longestRerouteMs);
  }

  /** What could not be told to a link is told to the next one; on a link that lives it is worth a word. */
  function controlFailed(link: LiveLink, error: unknown): void {
    if (connection.current !== link) return;
    fault(RealtimeError.from(error, 'connection-lost', 'joining or leaving a channel could not be sent'));
  }

  function handlerFailed(cause: unknown, what: string): void {
    fault(
      new RealtimeError('handler-failed', `${what} threw`, { cause, hint: 'The other handlers were called; mend this one.' }),
    );
  }

  function fault(error: RealtimeError): void {
    note?.({ kind: 'fault', error });
    if (isFaulting || (error.code === 'handler-failed' && !bus.has('fault'))) return reportUnheard(error);
    isFaulting = true;
    bus.emit('fault', error);
    isFaulting = false;
  }
}

function closedError(what: string): RealtimeError {
  return new RealtimeError('closed', `${what} failed: the manager was closed`, { hint: 'Make a new one with createRealtime().' });
}
