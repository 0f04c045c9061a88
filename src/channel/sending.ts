import type { Outbox } from '../delivery/outbox.ts';
import type { Delivery, OutboxLimits, OutboxLink } from '../delivery/outbox-options.ts';
import { assertSendable, rejectedError } from '../delivery/send-errors.ts';
import { createTurns, type Turns } from '../delivery/turns.ts';
import { RealtimeError } from '../errors.ts';
import type { IdSource } from '../platform/random.ts';
import { waitFor } from '../platform/wait.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { PublishFrame } from '../protocol/frame.ts';
import type { Validator } from '../protocol/schema.ts';
import type { ChannelHost } from './channel.ts';
import { assertName } from './names.ts';

/** What sending is made of. */
export interface SendingParts {
  readonly validator: Validator;
  readonly outbox: Pick<Outbox, 'send'>;
  readonly limits: OutboxLimits;
  /** What is promised of the sends of an event, by its name. */
  readonly delivery: Readonly<Record<string, Delivery | undefined>>;
  readonly newId: IdSource;
  readonly ended: AbortSignal;
  /** Our name, which changes with the user. */
  readonly client: () => string;
  readonly metrics: { accepted: number; failed: number };
  /** Tells whoever watches, if anybody does. */
  readonly note:
    | ((
        event:
          | { kind: 'publishing'; frame: PublishFrame }
          | { kind: 'published'; frame: PublishFrame; receipt: Promise<Receipt> },
      ) => void)
    | undefined;
  /** Can any transport send? */
  readonly canSend: boolean;
  /** The order in which the sends of a channel that is wanted leave. */
  readonly turns: (channel: string) => Turns | undefined;
  /** The link that sends go to, if it can send. */
  readonly link: () => Pick<OutboxLink, 'send'> | undefined;
}

/** The way of a send: its schema, its turn, and then the outbox, or the link at once for a volatile one. */
export function createSending(parts: SendingParts): Pick<ChannelHost, 'newId' | 'send'> {
  const { validator, outbox, limits, newId, ended, metrics, note } = parts;
  // a Map, since an event may be called `constructor`
  const deliveries = new Map(Object.entries(parts.delivery));

  async function sendNow(frame: PublishFrame): Promise<Receipt> {
    assertSendable(frame, limits.maxSendBytes);
    const link = parts.link();
    if (!link) {
      throw new RealtimeError('connection-lost', `${frame.event} is volatile and there is no connection to send it on`);
    }
    const [receipt = { id: frame.id, status: 'sent' }] = await link.send([frame]);
    if (receipt.status === 'rejected') throw rejectedError(frame.event, receipt.code, receipt.message);
    return receipt;
  }

  return {
    newId,
    async send(channel, event, data, { id = newId(), signal, reply, timeoutMs, tell, ...options }) {
      assertName('an event name', event);
      assertName('the id of a send', id);
      if (!parts.canSend) throw receiveOnly(event);
      const wished = deliveries.get(event) ?? 'at-least-once';
      const volatile = options.volatile ?? (wished === 'volatile' && !reply);
      const delivery = wished === 'once' ? wished : 'at-least-once';
      return waitFor(`publishing ${event}`, { signal, ended }, (resolve, reject) => {
        /** A schema may answer when nobody waits any more. */
        let isWanted = true;
        const client = parts.client();
        const checked = validator.validate(event, data);
        const outgoing = parts.turns(channel) ?? createTurns();
        outgoing.pass(checked, (validated) => {
          if (!isWanted) return;
          if (validated.kind === 'invalid') return reject(validated.error);
          if (client !== parts.client()) return reject(new RealtimeError('signed-out', `${event} was published by another user`));
          const frame: PublishFrame = { kind: 'publish', id, channel, event, data, volatile: volatile || undefined, reply };
          note?.({ kind: 'publishing', frame });
          const receipt = volatile ? sendNow(frame) : outbox.send(frame, { signal, timeoutMs, delivery, tell });
          note?.({ kind: 'published', frame, receipt });
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
        return () => {
          isWanted = false;
        };
      });
    },
  };
}

function receiveOnly(event: string): RealtimeError {
  return new RealtimeError('unsupported', `${event} cannot be sent: no transport of the list can send`, {
    hint: 'Give sse() or longPoll() a sendUrl, or add a transport that sends.',
  });
}
