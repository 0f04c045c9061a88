import { RealtimeError } from '../../src/errors.ts';
import type { Receipt } from '../../src/protocol/dialect.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frame.ts';
import type { Capabilities, DownCause, LinkInfo, LinkRequest, Transport } from '../../src/transport/transport.ts';

/** One link of a {@link ScriptedTransport}, held at the server's end: the test plays the server. */
export interface ScriptedLink {
  readonly request: LinkRequest;
  /** Every frame that was sent, in order. */
  readonly sent: ClientFrame[];
  /** True until the core has let go of the link. */
  readonly isHeld: boolean;
  /** What `send` answers; by default it accepts every send. */
  answer: (frames: readonly ClientFrame[]) => Promise<readonly Receipt[]>;
  /** The link comes up; by default the server has greeted. */
  up(info?: Partial<LinkInfo>): void;
  frames(frames: readonly ServerFrame[], cursor?: string): void;
  alive(): void;
  /** The link ends. A word stands for a cause of that kind with an error of the same name. */
  down(
    cause: DownCause | Exclude<DownCause['kind'], 'aborted'>,
    more?: { retryAfterMs?: number; spreadMs?: number; handover?: boolean },
  ): void;
}

/** A transport that does nothing by itself. */
export interface ScriptedTransport extends Transport {
  /** Every link that was dialled, in order. */
  readonly dials: readonly ScriptedLink[];
  /** The link that was dialled last. */
  readonly last: ScriptedLink;
  /** How many links the core still holds. */
  readonly heldCount: number;
}

const defaults: Capabilities = {
  send: true,
  ack: 'receipt',
  resume: 'channel',
  liveness: 'self',
  joining: 'frame',
  reauth: false,
};

/** Makes a transport that records what is dialled and lets the test say everything that a server could. */
export function scripted(name: string, capabilities: Partial<Capabilities> = {}): ScriptedTransport {
  const dials: ScriptedLink[] = [];
  return {
    name,
    capabilities: { ...defaults, ...capabilities },
    dials,
    get last() {
      const link = dials.at(-1);
      if (link === undefined) throw new Error(`nothing was dialled over ${name}`);
      return link;
    },
    get heldCount() {
      return dials.filter(({ isHeld }) => isHeld).length;
    },
    connect(request, sink) {
      let isDown = false;
      const down = (cause: DownCause): void => {
        if (isDown) return;
        isDown = true;
        sink.down(cause);
      };
      const link: ScriptedLink = {
        request,
        sent: [],
        get isHeld() {
          return !request.signal.aborted;
        },
        answer: async (frames) =>
          frames.flatMap((frame) => (frame.kind === 'publish' ? [{ id: frame.id, status: 'accepted' }] : [])),
        up: (info) => sink.up({ joining: [], greeted: true, ...info }),
        frames: (frames, cursor) => sink.frames(frames, cursor),
        alive: () => sink.alive(),
        down: (cause, more) => down(typeof cause === 'string' ? causeOf(cause, more) : cause),
      };
      request.signal.addEventListener('abort', () => down({ kind: 'aborted' }));
      dials.push(link);
      return {
        async send(frames) {
          if (isDown) throw new RealtimeError('closed', 'the scripted link is down');
          link.sent.push(...frames);
          return link.answer(frames);
        },
      };
    },
  };
}

const codes = {
  lost: 'connection-lost',
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  dismissed: 'dismissed',
  unsupported: 'unsupported',
  protocol: 'protocol',
} as const;

/** A cause of a kind, with an error that is named after it. */
export function causeOf(
  kind: Exclude<DownCause['kind'], 'aborted'>,
  more: { retryAfterMs?: number; spreadMs?: number; handover?: boolean } = {},
): DownCause {
  return { kind, error: new RealtimeError(codes[kind], `scripted: ${kind}`), ...more };
}
