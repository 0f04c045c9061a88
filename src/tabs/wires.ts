import { onAbort } from '../platform/abort.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../protocol/frame.ts';
import type { DownCause, LinkInfo, LinkRequest, Transport } from '../transport/transport.ts';
import type { Stands } from './positions.ts';

/** What the leader is told of its connection to the server. */
export interface WiresListener {
  up(info: LinkInfo): void;
  /** Another physical link is about to be dialled, with this number. @returns the channels that it is to join */
  dialling(number: number): Stands;
  /** It has taken over. */
  replaced(): void;
  frames(batch: readonly ServerFrame[], cursor: string | undefined): void;
  alive(): void;
  down(cause: DownCause): void;
}

/**
 * The leader's connection to the server: one physical link, and for transports that join only by dialling another one that
 * takes over with other channels.
 */
export interface Wires {
  /** The channels of the link in use, and how far each was received. */
  readonly stands: Stands;
  /** The number of the link in use: they are counted as they are dialled. */
  readonly number: number;
  /** While another link is on its way, it waits: what is posted is faster than a link, and its sender would miss its own message. */
  send(frames: readonly ClientFrame[]): Promise<readonly Receipt[]>;
  /** Dials another link; settles when it has taken over, or has failed. While one is on its way, that one is meant. */
  redial(): Promise<void>;
}

/** One physical link. */
interface Wire {
  readonly number: number;
  readonly stands: Stands;
  send: Wires['send'];
  /** Ends it as soon as what was sent on it is answered. */
  retire(): void;
}

/** What is asked for within this time travels with one link: 25 milliseconds. */
const gatherMs = 25;

/**
 * Dials the first link.
 *
 * @param ended - ends everything
 */
export function createWires(transport: Transport, request: LinkRequest, ended: AbortSignal, listener: WiresListener): Wires {
  const { client, clock, positionRefused } = request;
  let { credentials } = request;
  let redialling: Promise<void> | undefined;
  let dials = 1;
  let current = dial(new Map(request.channels), listener.up, () => {});

  return {
    get stands() {
      return current.stands;
    },
    get number() {
      return current.number;
    },
    async send(frames) {
      // links that are dialled from now on use the new token
      for (const frame of frames) if (frame.kind === 'authenticate') credentials = { ...credentials, token: frame.token };
      await redialling?.catch(() => {});
      return current.send(frames);
    },
    redial() {
      let forget = (): void => {};
      redialling ??= new Promise<void>((resolve, reject) => {
        const cancel = clock.schedule(() => {
          dials += 1;
          const takeOver = (): void => {
            const replaced = current;
            current = next;
            replaced.retire();
            listener.replaced();
            resolve();
          };
          const next = dial(listener.dialling(dials), takeOver, reject);
        }, gatherMs);
        forget = onAbort(ended, () => {
          cancel();
          reject();
        });
      }).finally(() => {
        forget();
        redialling = undefined;
      });
      return redialling;
    },
  };

  /** @param failed - it has ended while it was not in use */
  function dial(stands: Stands, up: WiresListener['up'], failed: () => void): Wire {
    const controller = new AbortController();
    const { signal } = controller;
    const end = (): void => controller.abort();
    onAbort(signal, onAbort(ended, end));
    let sending = 0;
    let isRetired = false;
    const link = transport.connect(
      {
        signal,
        client,
        credentials,
        channels: stands,
        get cursor() {
          return request.cursor;
        },
        positionRefused,
        clock,
      },
      {
        up,
        frames: (batch, cursor) => wire === current && listener.frames(batch, cursor),
        alive: () => wire === current && listener.alive(),
        down(cause) {
          end();
          if (wire === current) listener.down(cause);
          else failed();
        },
      },
    );
    const wire: Wire = {
      number: dials,
      stands,
      async send(frames) {
        sending += 1;
        try {
          return await link.send(frames);
        } finally {
          sending -= 1;
          if (isRetired && !sending) end();
        }
      },
      retire() {
        isRetired = true;
        if (!sending) end();
      },
    };
    return wire;
  }
}
