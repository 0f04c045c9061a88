import type { TcpProxy } from '../support/tcp-proxy.ts';
import type { ChaosClient } from './chaos-client.ts';
import { fastDelay } from './fast-time.ts';
import type { Step } from './schedule.ts';
import type { ChaosServer, ServerPool } from './server-pool.ts';
import type { Truth } from './truth.ts';

/** All that faults can be done to. */
export interface World {
  readonly clients: readonly ChaosClient[];
  /** One for each client. */
  readonly proxies: readonly TcpProxy[];
  readonly truth: Truth;
  /** The server of now; there is none while it is down. */
  readonly server: ChaosServer | undefined;
  /** Does what a step says. What lasts ends by itself, or with {@link World.heal}. */
  apply(step: Step): void;
  /** Ends all faults. */
  heal(): Promise<void>;
  end(): Promise<void>;
}

/** Starts the server and what stands before it. */
export async function createWorld(
  pool: ServerPool,
  secret: string,
  truth: Truth,
  proxies: readonly TcpProxy[],
  clients: readonly ChaosClient[],
): Promise<World> {
  let server: ChaosServer | undefined;
  let starting: Promise<void> | undefined;
  /** What ends the faults that last, each once. */
  const undos = new Set<() => void>();
  await restart();

  return {
    clients,
    proxies,
    truth,
    get server() {
      return server;
    },
    apply(step) {
      const undo = happen(step);
      if (!undo || !('forMs' in step)) return;
      const end = (): void => {
        if (undos.delete(end)) undo();
      };
      undos.add(end);
      void fastDelay(step.forMs).then(end);
    },
    async heal() {
      for (const undo of [...undos]) undo();
      await starting;
      for (const proxy of proxies) proxy.heal();
    },
    async end() {
      for (const proxy of proxies) await proxy.close();
      server?.kill();
    },
  };

  async function restart(): Promise<void> {
    server = await pool.start(secret, truth);
    for (const proxy of proxies) proxy.pointTo(server.port);
  }

  function crash(isLogLost: boolean): (() => void) | undefined {
    // it is down already, and comes back when that is over
    if (server === undefined) return undefined;
    server.kill();
    server = undefined;
    return () => {
      if (isLogLost) truth.lose();
      starting = restart();
    };
  }

  /** @returns what ends it, where it lasts */
  function happen(step: Step): (() => void) | undefined {
    const client = 'client' in step ? clients[step.client] : undefined;
    const proxy = 'client' in step ? proxies[step.client] : undefined;
    switch (step.kind) {
      case 'send':
        client?.send(step.channel, step.count, step.form);
        return undefined;
      case 'mode':
        client?.realtime.setMode(step.mode);
        return undefined;
      case 'cut':
        proxy?.cut(step.how);
        return undefined;
      case 'cut-after':
        return proxy?.cutAfter(step.bytes, step.direction, step.how);
      case 'stall':
        return proxy?.stall(step.directions);
      case 'strand':
        proxy?.strand(step.directions);
        return undefined;
      case 'throttle':
        return proxy?.throttle(step.bytesPerSecond, 'both');
      case 'delay':
        return proxy?.delay(step.delayMs, 'both');
      case 'tear':
        return proxy?.tear('both');
      case 'refuse':
        return proxy?.refuse();
      case 'blackhole':
        return proxy?.blackhole();
      case 'stop':
        client?.realtime.stop();
        return () => client?.realtime.start();
      case 'hold':
        return client?.realtime.hold('chaos');
      case 'offline':
        client?.setOnline(false);
        return () => client?.setOnline(true);
      case 'wake':
        client?.wake();
        return undefined;
      case 'rejoin':
        return client?.leave(step.channel) ? () => client.join(step.channel) : undefined;
      case 'slow-token':
        client?.provide('slowly');
        return () => client?.provide('well');
      case 'no-token':
        client?.provide('not');
        return () => client?.provide('well');
      case 'crash':
        return crash(step.log === 'lost');
      case 'freeze': {
        const frozen = server;
        frozen?.freeze();
        return () => frozen?.thaw();
      }
      case 'lose-log':
        truth.lose();
        server?.tell({ kind: 'forget-sends' });
        return undefined;
      case 'trim':
        truth.trim(step.channel);
        return undefined;
      case 'drain':
        server?.tell({ kind: 'drain', spreadMs: 500 });
        return undefined;
      case 'drop-links':
        server?.tell({ kind: 'drop-links' });
        return undefined;
      case 'end-links':
        server?.tell({ kind: 'end-links' });
        return undefined;
    }
  }
}
