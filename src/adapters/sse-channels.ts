import { onAbort } from '../platform/abort.ts';
import { aFunction, check } from '../platform/rules.ts';
import type { ClientFrame, Position, ServerFrame } from '../protocol/frame.ts';
import { composeGreeting, type HttpLink, refusalOf } from '../transport/exchange.ts';
import type { Receiving } from '../transport/http-transport.ts';
import type { LinkRequest } from '../transport/transport.ts';
import { readStream, type StreamSettings } from './sse-stream.ts';

/** Opens the streams of one link, one for each channel; made by {@link perChannel}. */
export interface PerChannel {
  /** @internal */
  open(link: HttpLink, settings: StreamSettings, whole: Promise<void> | undefined): Required<Receiving>;
}

/**
 * A stream for each channel, for servers that have no stream for all: it is asked for when the channel is joined, and ended
 * when it is left. The id of a stream is the position of its channel, sent back as `Last-Event-ID`, and what a stream says
 * belongs to its channel, unless the message names another one.
 *
 * All of them are one link: when one ends, all are dialled anew, each from its own position; how long a link may be silent is
 * judged over all of them together. A channel that is answered with 403, 404, 410 or the like is denied, and the others stay.
 *
 * A browser has six connections to an origin over HTTP/1.1, for all tabs together: with more than three or four channels such
 * a server needs HTTP/2.
 *
 * @param urlOf - the address of the stream of a channel, called for each request
 *
 * @example
 * ```ts
 * sse({ streams: perChannel((channel) => `/channels/${encodeURIComponent(channel)}/stream`), dialect });
 * ```
 */
export function perChannel(urlOf: (channel: string, request: LinkRequest) => string): PerChannel {
  check('the address of perChannel()', urlOf, aFunction);
  return { open: (link, settings, whole) => openStreams(link, urlOf, settings, whole) };
}

function openStreams(
  link: HttpLink,
  urlOf: Parameters<typeof perChannel>[0],
  settings: StreamSettings,
  whole: Promise<void> | undefined,
): Required<Receiving> {
  const { gate, request } = link;
  const streams = new Map<string, AbortController>();
  let fail = (_cause: unknown): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  onAbort(gate.signal, () => {
    for (const controller of streams.values()) controller.abort();
  });
  for (const channel of link.joining) void open(channel, positionOf(channel));
  // without a channel there is nothing to ask for yet
  if (whole === undefined && link.joining.length === 0) queueMicrotask(() => gate.opened({ joining: [] }));
  return { done: whole === undefined ? failed : Promise.race([whole, failed]), take };

  function take(frames: readonly ClientFrame[]): ReturnType<Required<Receiving>['take']> {
    const taken: Promise<void>[] = [];
    for (const frame of frames) {
      if (frame.kind === 'join') taken.push(open(frame.channel, positionOf(frame.channel) ?? frame.cursor));
      if (frame.kind === 'leave') close(frame.channel);
    }
    const rest = frames.filter(({ kind }) => kind !== 'join' && kind !== 'leave');
    return { rest, taken: Promise.all(taken) };
  }

  function positionOf(channel: string): Position | undefined {
    return request.channels.get(channel);
  }

  function close(channel: string): void {
    streams.get(channel)?.abort();
    streams.delete(channel);
  }

  /** Resolves when it is known whether the server lets us in. */
  function open(channel: string, position: Position | undefined): Promise<void> {
    close(channel);
    const controller = new AbortController();
    const { signal } = controller;
    streams.set(channel, controller);
    return new Promise((resolve) => {
      // nobody waits any longer when it is left, or when the link is over
      onAbort(signal, resolve);
      const { greets } = link.settings.dialect.traits;
      let isEntered = false;
      const enter = (): void => {
        if (isEntered || signal.aborted) return;
        isEntered = true;
        if (link.joinsToldBy !== 'server') gate.deliver([{ kind: 'joined', channel }]);
        resolve();
      };
      const stream = {
        get call() {
          return composeGreeting(link, { only: { channel, address: urlOf(channel, request) } });
        },
        cursor: typeof position === 'string' ? position : undefined,
        channel,
        signal,
        opened() {
          if (signal.aborted) return;
          gate.opened({ joining: link.joining });
          // the first word of a server that greets is the greeting
          if (!greets) enter();
        },
        refused(response: Response) {
          if (signal.aborted) return;
          const cause = refusalOf(link, response, `the stream of ${channel}`);
          const isAboutUs = cause.kind === 'unauthorized' || cause.kind === 'refused' || cause.kind === 'lost';
          if (isAboutUs || greets) return gate.down(cause);
          gate.opened({ joining: link.joining });
          close(channel);
          gate.deliver([{ kind: 'denied', channel, code: String(response.status), message: cause.error.message }]);
        },
        deliver(frames: readonly ServerFrame[], id?: string) {
          if (signal.aborted) return;
          // an id before the first message is where the channel stands
          const isFirst = frames.length === 0 && id !== undefined && positionOf(channel) === undefined;
          gate.deliver(isFirst ? [{ kind: 'joined', channel, cursor: id }] : frames.map((frame) => positioned(frame, id)));
          if (frames.length > 0) enter();
        },
      };
      // a function of the application throws inside of the promise
      Promise.resolve()
        .then(() => readStream(link, stream, settings))
        .catch((cause: unknown) => {
          if (!signal.aborted) fail(cause);
        });
    });
  }
}

/** The id of a channel's own stream is the position of the channel. */
function positioned(frame: ServerFrame, id: string | undefined): ServerFrame {
  if (frame.kind !== 'event' || id === undefined || frame.cursor !== undefined || frame.offset !== undefined) return frame;
  return { ...frame, cursor: id };
}
