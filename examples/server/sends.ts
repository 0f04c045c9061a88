import type { Identity } from './auth.ts';
import type { AckFrame, PublishFrame, RejectFrame } from './frames.ts';
import { createRecent, pairKey } from './keys.ts';
import type { Log } from './log.ts';
import type { Time } from './time.ts';

/** A "no" with a reason. */
export interface Refusal {
  /** The server's own word for the reason. */
  readonly code: string;
  readonly message?: string;
  /** Present when it may work later: not before, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** What an application can decide about sends. */
export interface SendHooks {
  /** May this user use this channel? */
  readonly authorize: (user: string, channel: string, identity: Identity) => true | Refusal;
  /** May this send go through? Asked once for each that is not known yet. */
  readonly onPublish?: (frame: PublishFrame, user: string) => true | Refusal;
  /** Answers a request (`reply: true`). What it throws becomes a rejection `failed`. */
  readonly onRequest?: (frame: PublishFrame, user: string) => unknown;
}

/** Takes sends and answers each with its ack or rejection. Never rejects. */
export interface Sends {
  (frame: PublishFrame, identity: Identity): Promise<AckFrame | RejectFrame>;
  /** Forgets the answers that were given. */
  forget(): void;
}

/** How many answers are remembered at least, over all channels. */
const rememberedAnswers = 20_000;

/** Makes the door for sends, before the log. */
export function createSends(log: Log, hooks: SendHooks, maxEventBytes: number, time: Time): Sends {
  /** The answers under way or given, by user and id: a repeated send gets the same one. */
  const answers = createRecent<Promise<AckFrame | RejectFrame>>(rememberedAnswers);

  function send(frame: PublishFrame, identity: Identity): Promise<AckFrame | RejectFrame> {
    const key = pairKey(identity.user, frame.id);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = decide(frame, identity).then((outcome) => {
      // a rejection is no answer for ever: the same send may be right later
      if (outcome.kind === 'reject') answers.delete(key);
      return outcome;
    });
    answers.set(key, answer);
    return answer;
  }

  /** Reaches the log before its first `await`, so that sends are applied in the order in which they came. */
  async function decide(frame: PublishFrame, identity: Identity): Promise<AckFrame | RejectFrame> {
    const { id, channel, event } = frame;
    try {
      const allowed = hooks.authorize(identity.user, channel, identity);
      if (allowed !== true) return { kind: 'reject', id, ...allowed };
      const data = frame.data === undefined ? undefined : JSON.stringify(frame.data);
      if (data !== undefined && isLonger(data, maxEventBytes)) {
        return { kind: 'reject', id, code: 'too-large', message: `the data of an event may have ${maxEventBytes} bytes` };
      }
      const passed = hooks.onPublish?.(frame, identity.user) ?? true;
      if (passed !== true) return { kind: 'reject', id, ...passed };
      if (frame.reply) return await ask(frame, identity);
      const entry = { id, event, data, at: time.wallNow(), from: identity.user, traceparent: frame.traceparent };
      if (frame.volatile) {
        await log.pass(channel, entry);
        return { kind: 'ack', id };
      }
      const { epoch, offset } = await log.append(channel, entry);
      return { kind: 'ack', id, epoch, offset };
    } catch {
      return { kind: 'reject', id, code: 'unavailable', message: 'the log cannot be reached', retryAfterMs: 1000 };
    }
  }

  async function ask(frame: PublishFrame, identity: Identity): Promise<AckFrame | RejectFrame> {
    const { id } = frame;
    if (hooks.onRequest === undefined)
      return { kind: 'reject', id, code: 'no-handler', message: 'this server answers no requests' };
    try {
      return { kind: 'ack', id, data: await hooks.onRequest(frame, identity.user) };
    } catch (error) {
      return { kind: 'reject', id, code: 'failed', message: error instanceof Error ? error.message : 'the request failed' };
    }
  }

  return Object.assign(send, { forget: () => answers.clear() });
}

/** UTF-8 needs between one and three bytes for each unit of a text, so most need not be measured. */
function isLonger(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}
