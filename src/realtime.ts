import { type ChannelHost, createChannel } from './channel/channel.ts';
import { createJoining, type JoinLink } from './channel/joining.ts';
import { createRegistry } from './channel/registry.ts';
import { createSubscription, type SourceLink, type SubscriptionHooks } from './channel/subscription.ts';
import { createAuth } from './connection/auth.ts';
import { createConnection } from './connection/connection.ts';
import { createRoutes } from './connection/routes.ts';
import type { LiveLink } from './connection/session.ts';
import { nextStatus } from './connection/status.ts';
import { createOutbox, rejectedError } from './delivery/outbox.ts';
import { createTurns } from './delivery/turns.ts';
import { RealtimeError } from './errors.ts';
import { createBus } from './events/bus.ts';
import { writable } from './events/readable.ts';
import type { LifecycleEvents, RealtimeManager } from './manager.ts';
import { createMetrics } from './monitor/metrics.ts';
import { assertMode, type RealtimeOptions, resolveOptions } from './options.ts';
import { onAbort } from './platform/abort.ts';
import { reportUnheard } from './platform/report.ts';
import { waitFor } from './platform/wait.ts';
import type { Receipt } from './protocol/dialect.ts';
import type { PublishFrame, ServerFrame } from './protocol/frame.ts';
import { createValidator, type EventSchemas } from './protocol/schema.ts';

const longestChannelName = 512;

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
  const { transports, platform } = resolved;
  const { clock } = platform;
  const metrics = createMetrics();
  /** What subscriptions are told of the link that spoke last; it changes only with the link. */
  let source: SourceLink | undefined;
  const validator = createValidator(resolved.events);
  const report = (error: unknown): void => handlerFailed(error, 'a listener of the manager');
  /** True while listeners of `fault` are called: what they throw themselves must not come back to them. */
  let isFaulting = false;
  const bus = createBus<{ [Name in keyof LifecycleEvents]: LifecycleEvents[Name] }>(report);
  const mode = writable(resolved.mode, report);
  const ended = new AbortController();
  /** The last id of the stream as a whole, for servers that resume by it. */
  let cursor: string | undefined;
  let stopListening = (): void => {};
  /** The link that sends go to. */
  let sending: LiveLink | undefined;
  /** The transport that carried traffic last, by name. */
  let lastTransport: string | undefined;

  const registry = createRegistry(resolved.leaveAfterMs, clock, {
    create: (name) => createSubscription(name, resolved.idWindow, hooks),
    added: (name) => joining.added(name),
    dropped: (name) => joining.dropped(name),
  });
  const joining = createJoining(registry.positions, () => {
    // a candidate that is on its way is checked when it comes up
    if (connection.state.phase === 'open' && !connection.state.candidate) connection.redial();
  });
  const hooks: SubscriptionHooks = {
    validator,
    metrics,
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
  const routes = createRoutes(transports.length, clock);
  const connection = createConnection({
    ...resolved,
    auth: createAuth(resolved.auth, clock, resolved.authTimeoutMs),
    routes,
    client: platform.newId(),
    channels: registry.positions,
    cursor: () => cursor,
    listener: {
      changed: showState,
      up(link) {
        metrics.links += 1;
        const { id, transport, info } = link;
        const tell: JoinLink['tell'] = (frames) => void link.send(frames).catch((error: unknown) => controlFailed(link, error));
        joining.up({ id, joining: transport.capabilities.joining, carried: info.joining, tell });
      },
      frames: route,
      down({ id }) {
        joining.down(id);
        outbox.linkDown(id);
      },
      fault,
    },
  });
  const outbox = createOutbox(resolved.outbox, clock, connection.drained);
  const status = writable(nextStatus(undefined, connection.state, connection.facts(), resolved.mode, clock), report);
  pin(resolved.mode);

  /** Sends leave in the order of their calls, also when a schema answers later. */
  const turns = createTurns();
  const host: ChannelHost = {
    ended: ended.signal,
    send(channel, event, data, { volatile, reply, id = platform.newId(), signal, timeoutMs }) {
      return new Promise((resolve, reject) => {
        turns.pass(validator.validate(event, data), (validated) => {
          if (validated.kind === 'invalid') return reject(validated.error);
          const frame: PublishFrame = { kind: 'publish', id, channel, event, data, volatile, reply };
          const receipt = volatile ? sendNow(frame) : outbox.send(frame, { signal, timeoutMs });
          receipt.then(
            ({ offset, epoch, data: answer }) => {
              metrics.accepted += 1;
              resolve({ accepted: { id, offset, epoch }, reply: answer });
            },
            (error: unknown) => {
              metrics.failed += 1;
              reject(error);
            },
          );
        });
      });
    },
    announce: joining.announce,
    release: registry.release,
  };

  const manager: RealtimeManager<Schemas> = {
    status,
    mode,
    start() {
      assertOpen('start');
      stopListening();
      stopListening = listenToSignals();
      connection.start();
    },
    stop() {
      stopListening();
      connection.stop();
    },
    close() {
      if (ended.signal.aborted) return;
      stopListening();
      connection.close();
      outbox.close(closedError('a send'));
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
      connection.hold(name, true);
      return () => connection.release(name);
    },
    retryNow: () => connection.wake(),
    setMode(next) {
      assertOpen('setMode');
      assertMode(next, transports);
      pin(next);
      mode.set(next);
      if (connection.facts().transport !== transports[routes.pick()]) connection.redial();
      showState();
    },
    channel(name, { signal } = {}) {
      assertOpen('channel');
      if (typeof name !== 'string' || name === '' || name.length > longestChannelName) {
        throw new RealtimeError('invalid-option', `a channel name must have 1 to ${longestChannelName} characters`);
      }
      const channel = createChannel<Schemas>(registry.retain(name), host);
      onAbort(signal, channel.leave);
      return channel;
    },
    on(event, listener, { signal } = {}) {
      assertOpen('on');
      const remove = bus.on(event, listener);
      onAbort(signal, remove);
      return remove;
    },
    async once(event, { signal } = {}) {
      assertOpen('once');
      return waitFor(`waiting for ${event}`, { signal, ended: ended.signal }, (resolve) => bus.on(event, resolve));
    },
    metrics: () => ({ ...metrics }),
  };
  return manager;

  function assertOpen(what: string): void {
    if (ended.signal.aborted) throw closedError(what);
  }

  function pin(next: string): void {
    const index = transports.findIndex(({ name }) => name === next);
    routes.pin(index < 0 ? undefined : index);
  }

  function listenToSignals(): () => void {
    const { signals } = platform;
    const followNetwork = (): void => {
      if (signals.isOnline()) connection.release('offline');
      // an open link may outlive what the platform says of the network, so it is left alone
      else connection.hold('offline', false);
    };
    followNetwork();
    const removers = [
      signals.onOnlineChange(() => {
        followNetwork();
        if (signals.isOnline()) connection.wake();
      }),
      signals.onWake(() => connection.wake()),
    ];
    return () => {
      for (const remove of removers.splice(0)) remove();
    };
  }

  function showState(): void {
    const { current } = connection;
    if (current !== sending) {
      const replaced = sending;
      sending = current;
      const { send: canSend, ack } = current?.transport.capabilities ?? {};
      outbox.use(current && canSend && ack ? { id: current.id, ack, send: current.send } : undefined);
      if (current && replaced && !outbox.isBusy(replaced.id)) connection.drained(replaced.id);
    }
    if (connection.state.phase !== 'open') for (const subscription of registry.all()) subscription.disconnected();
    status.set(nextStatus(status.get(), connection.state, connection.facts(), mode.get(), clock));
    bus.emit('status', status.get());
    const to = current?.transport.name;
    if (!to || to === lastTransport) return;
    if (lastTransport) bus.emit('switched', { from: lastTransport, to });
    lastTransport = to;
  }

  /** Everything that a server says passes here, in order. */
  function route(batch: readonly ServerFrame[], link: LiveLink, nextCursor: string | undefined): void {
    const { id, transport } = link;
    const isStreamResumed = cursor !== undefined;
    if (source?.id !== id || source.isStreamResumed !== isStreamResumed) {
      source = { id, resume: transport.capabilities.resume, isStreamResumed };
    }
    for (const frame of batch) {
      switch (frame.kind) {
        case 'event': {
          metrics.received += 1;
          const subscription = registry.get(frame.channel);
          if (subscription) subscription.receive(frame, source);
          else metrics.unwanted += 1;
          break;
        }
        case 'joined':
          registry.get(frame.channel)?.joined(frame, source);
          break;
        case 'denied':
          registry.get(frame.channel)?.denied(frame);
          break;
        case 'left':
          registry.get(frame.channel)?.left(frame);
          break;
        case 'presence':
          registry.get(frame.channel)?.presence(frame);
          break;
        case 'heartbeat':
          for (const head of frame.positions ?? []) registry.get(head.channel)?.heartbeat(head, source);
          break;
        case 'ack':
        case 'reject':
          outbox.answered(frame);
          break;
        case 'garbled':
          metrics.garbled += 1;
          fault(new RealtimeError('protocol', frame.message, { transport: transport.name, cause: frame.cause }));
          break;
        // these are about the link itself, which has dealt with them
        case 'pong':
        case 'advice':
        case 'auth':
        case 'welcome':
          break;
      }
    }
    // an id moves only when what it stands for was handed over
    if (nextCursor !== undefined) cursor = nextCursor;
  }

  async function sendNow(frame: PublishFrame): Promise<Receipt> {
    const { current } = connection;
    if (!current?.transport.capabilities.send) {
      throw new RealtimeError('connection-lost', `${frame.event} is volatile and there is no connection to send it on`);
    }
    const [receipt = { id: frame.id, status: 'sent' }] = await current.send([frame]);
    if (receipt.status === 'rejected') throw rejectedError(frame.event, receipt.code, receipt.message);
    return receipt;
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
    if (isFaulting || (error.code === 'handler-failed' && !bus.has('fault'))) return reportUnheard(error);
    isFaulting = true;
    bus.emit('fault', error);
    isFaulting = false;
  }
}

function closedError(what: string): RealtimeError {
  return new RealtimeError('closed', `${what} failed: the manager was closed`, { hint: 'Make a new one with createRealtime().' });
}
