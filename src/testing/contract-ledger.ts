import type { ClientFrame, JoinFrame, ServerFrame } from 'keepwire';
import { type ContractAnswer, refusalCode, refusedEvent } from './contract-server.ts';

/** The first flight of keepwire's protocol, as a server reads it. */
export interface ContractHello {
  /** Tells it from frames. */
  readonly kind: 'hello';
  /** The version of the protocol. */
  readonly version: number;
  /** Names the client over all its links. */
  readonly client: string;
  /** The token, where it does not travel by the carrier's own means. */
  readonly token?: string;
  /** For a poll: how long it may be held, in milliseconds. */
  readonly waitMs?: number;
  /** The joins, with their positions. */
  readonly channels: readonly Omit<JoinFrame, 'kind'>[];
}

/** What every contract server keeps and answers, whatever its carrier. */
export interface ContractLedger {
  /** What is done with the next link. */
  next: ContractAnswer;
  /** How many links were ever dialled; the server counts. */
  dialled: number;
  /** The frames that arrived, in order; joins that travelled in a greeting are among them. */
  readonly received: ClientFrame[];
  /** The tokens that arrived, in order, one per link. */
  readonly tokens: (string | undefined)[];
  /** Looks at all waiting conditions again; call it whenever something has happened. */
  changed(): void;
  /** Resolves when the condition holds. */
  until(condition: () => boolean): Promise<void>;
  /** Notes a greeting and answers it: welcome, then one joined per channel. */
  greet(hello: ContractHello, token?: string): ServerFrame[];
  /** Notes frames and answers them. */
  take(frames: readonly ClientFrame[]): ServerFrame[];
}

/**
 * Makes the books of one contract server: what arrived, what it is answered with, and who waits for what. The carrier is
 * yours; see {@link ContractServer}.
 *
 * @example
 * ```ts
 * const ledger = contractLedger();
 * socket.on('message', (text) => socket.send(JSON.stringify(ledger.take(JSON.parse(String(text))))));
 * ```
 */
export function contractLedger(): ContractLedger {
  let waiting: { condition: () => boolean; resolve: () => void }[] = [];
  const ledger: ContractLedger = {
    next: 'accept',
    dialled: 0,
    received: [],
    tokens: [],
    changed() {
      const met = waiting.filter(({ condition }) => condition());
      waiting = waiting.filter((waiter) => !met.includes(waiter));
      for (const { resolve } of met) resolve();
    },
    until: (condition) =>
      new Promise((resolve) => {
        waiting.push({ condition, resolve });
        ledger.changed();
      }),
    greet(hello, token = hello.token) {
      ledger.tokens.push(token);
      const joins = hello.channels.map((join): JoinFrame => ({ kind: 'join', ...join }));
      return [{ kind: 'welcome', version: 1, session: `link-${ledger.dialled}`, heartbeatMs: 25_000 }, ...ledger.take(joins)];
    },
    take(frames) {
      ledger.received.push(...frames);
      ledger.changed();
      return frames.flatMap(answerTo);
    },
  };
  return ledger;
}

function answerTo(frame: ClientFrame): ServerFrame[] {
  switch (frame.kind) {
    case 'join': {
      const { channel, cursor, epoch, offset } = frame;
      return [
        cursor === undefined
          ? { kind: 'joined', channel, epoch: epoch ?? 'e1', offset: offset ?? 0 }
          : { kind: 'joined', channel, cursor },
      ];
    }
    case 'leave':
      return [{ kind: 'left', channel: frame.channel }];
    case 'publish':
      return [frame.event === refusedEvent ? { kind: 'reject', id: frame.id, code: refusalCode } : { kind: 'ack', id: frame.id }];
    case 'ping':
      return [{ kind: 'pong' }];
    case 'authenticate':
      return [{ kind: 'auth', status: 'accepted' }];
    case 'announce':
    case 'pong':
      return [];
  }
}
