// The reference server in a process of its own, so that it can be killed. Its log is in the process that started it.
import type { Log, News } from '../../examples/server/log.ts';
import { createServer, type ReferenceServer } from '../../examples/server/server.ts';
import { fastClock } from './fast-time.ts';
import { busyEvent, type FromServer, type LogCall, refusedEvent, type ToServer } from './messages.ts';

const answers = new Map<number, (value: unknown) => void>();
const listeners = new Map<string, Set<(news: News) => void>>();
/** The ids that were asked to come again. */
const turnedAway = new Set<string>();
let calls = 0;
let server: ReferenceServer | undefined;

const say = (message: FromServer): void => void process.send?.(message);

function call<Value>(request: LogCall): Promise<Value> {
  calls += 1;
  say({ kind: 'call', call: calls, request });
  return new Promise((resolve) => answers.set(calls, (value) => resolve(value as Value)));
}

const log: Log = {
  append: (...parameters) => call({ name: 'append', parameters }),
  read: (...parameters) => call({ name: 'read', parameters }),
  head: (...parameters) => call({ name: 'head', parameters }),
  pass: (...parameters) => call({ name: 'pass', parameters }),
  subscribe(channel, listener) {
    const set = listeners.get(channel) ?? new Set();
    if (set.size === 0) say({ kind: 'listen', channel, isOn: true });
    listeners.set(channel, set.add(listener));
    return () => {
      if (set.delete(listener) && set.size === 0) say({ kind: 'listen', channel, isOn: false });
    };
  },
};

async function start(secret: string): Promise<void> {
  server = await createServer({
    secret,
    log,
    time: fastClock(),
    limits: { heartbeatMs: 1_000 },
    onPublish({ event, id }) {
      if (event === refusedEvent) return { code: 'not-wanted' };
      const isBusy = event === busyEvent && !turnedAway.has(id) && id.charCodeAt(0) % 2 === 0;
      if (!isBusy) return true;
      turnedAway.add(id);
      return { code: 'busy', retryAfterMs: 400 };
    },
  });
  say({ kind: 'ready', port: server.port });
}

process.on('message', (message: ToServer) => {
  switch (message.kind) {
    case 'start':
      return void start(message.secret);
    case 'answer': {
      const resolve = answers.get(message.call);
      answers.delete(message.call);
      return resolve?.(message.value);
    }
    case 'news':
      for (const listener of [...(listeners.get(message.channel) ?? [])]) listener(message.news);
      return;
    case 'drain':
      return server?.drain({ spreadMs: message.spreadMs });
    case 'drop-links':
      return void server?.dropLinks();
    case 'end-links':
      return void server?.endLinks({ kind: 'restart', message: 'a deploy', retryAfterMs: 100, spreadMs: 500 });
    case 'forget-sends':
      return server?.forget();
    case 'count-links': {
      const links: readonly number[] = Object.values(server?.stats().links ?? {});
      return say({ kind: 'links', count: links.reduce((sum, count) => sum + count, 0) });
    }
  }
});
// when the test goes, on whichever way, so do we
process.on('disconnect', () => process.exit());
say({ kind: 'booted' });
