import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromServer, ToServer } from './messages.ts';
import type { Truth } from './truth.ts';

/** A running server. */
export interface ChaosServer {
  readonly port: number;
  tell(message: ToServer): void;
  /** How many links are open; a server that is stopped does not answer. */
  countLinks(): Promise<number>;
  /** SIGSTOP: it lives, holds its connections and does nothing. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): void;
}

/** Starts servers; some processes are booted ahead, so that a restart takes no longer than its run wants. */
export interface ServerPool {
  start(secret: string, truth: Truth): Promise<ChaosServer>;
  close(): void;
}

/** @param spare - how many processes are kept ready */
export function createServerPool(spare: number): ServerPool {
  const all = new Set<ChildProcess>();
  const ready: Promise<ChildProcess>[] = [];
  const killAll = (): void => {
    for (const child of all) child.kill('SIGKILL');
  };
  process.once('exit', killAll);

  function boot(): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL('server-process.ts', import.meta.url)), { execArgv: [] });
    all.add(child);
    child.once('exit', () => all.delete(child));
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve(child));
      child.once('exit', () => reject(new Error('the process of a server ended before it was ready')));
    });
  }

  return {
    async start(secret, truth) {
      while (ready.length < spare) ready.push(boot());
      const child = await (ready.shift() ?? boot());
      return serve(child, secret, truth);
    },
    close() {
      process.off('exit', killAll);
      // those that are still booting are in the set as well
      for (const booting of ready) booting.catch(() => {});
      killAll();
    },
  };
}

function serve(child: ChildProcess, secret: string, truth: Truth): Promise<ChaosServer> {
  const removers = new Map<string, () => void>();
  const counts: ((count: number) => void)[] = [];
  const tell = (message: ToServer): void => {
    // a process that was killed takes nothing
    if (child.connected) child.send(message, () => {});
  };
  child.once('exit', () => {
    for (const remove of removers.values()) remove();
  });
  return new Promise((resolve, reject) => {
    child.on('message', (message: FromServer) => {
      switch (message.kind) {
        case 'booted':
          return;
        case 'ready':
          return resolve({
            port: message.port,
            tell,
            countLinks: () =>
              new Promise((found) => {
                counts.push(found);
                tell({ kind: 'count-links' });
              }),
            freeze: () => void child.kill('SIGSTOP'),
            thaw: () => void child.kill('SIGCONT'),
            kill: () => void child.kill('SIGKILL'),
          });
        case 'call': {
          const { name, parameters } = message.request;
          const run = truth[name] as (...parameters: unknown[]) => Promise<unknown>;
          return void run(...parameters).then((value) => tell({ kind: 'answer', call: message.call, value }));
        }
        case 'listen':
          removers.get(message.channel)?.();
          removers.delete(message.channel);
          if (!message.isOn) return;
          removers.set(
            message.channel,
            truth.subscribe(message.channel, (news) => tell({ kind: 'news', channel: message.channel, news })),
          );
          return;
        case 'links':
          return counts.shift()?.(message.count);
      }
    });
    child.once('exit', () => reject(new Error('the server ended before it listened')));
    tell({ kind: 'start', secret });
  });
}
