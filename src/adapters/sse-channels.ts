import { onAbort } from '../platform/abort.ts';
import type { ClientFrame, Position, ServerFrame } from '../protocol/frame.ts';
import { composeGreeting, type HttpLink, refusalOf } from '../transport/exchange.ts';
import type { LinkRequest } from '../transport/transport.ts';
import { readStream, type StreamSettings } from './sse-stream.ts';

/** The address of a channel's own stream. */
export type ChannelUrl = (channel: string, request: LinkRequest) => string;

/** The streams of one link, one for each channel. */
export interface ChannelStreams {
  /** Opens a stream, in place of the one that the channel has. Resolves when it is known whether the server lets us in. */
  open(channel: string, position: Position | undefined): Promise<void>;
  /** Takes joins and leaves, and gives the other frames back. */
  take(frames: readonly ClientFrame[]): { readonly rest: readonly ClientFrame[]; readonly taken: Promise<unknown> };
}

/**
 * Makes the streams of one link. They live and die together: the end of one ends the link, so that the connection decides
 * what comes next; only a channel that the server does not let us into is no more than denied.
 *
 * @param failed - is told what ended a stream
 * @param opened - the first of them gets through
 */
export function createChannelStreams(
  link: HttpLink,
  channelUrl: ChannelUrl,
  settings: StreamSettings,
  opened: () => void,
): ChannelStreams & { readonly failed: Promise<never> } {
  const { gate, request } = link;
  const streams = new Map<string, AbortController>();
  let fail = (_cause: unknown): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  onAbort(gate.signal, () => {
    for (const controller of streams.values()) controller.abort();
  });
  return { open, take, failed };

  function take(frames: readonly ClientFrame[]): ReturnType<ChannelStreams['take']> {
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
          return composeGreeting(link, { only: { channel, address: channelUrl(channel, request) } });
        },
        cursor: typeof position === 'string' ? position : undefined,
        channel,
        signal,
        opened() {
          if (signal.aborted) return;
          opened();
          // the first word of a server that greets is the greeting
          if (!greets) enter();
        },
        refused(response: Response) {
          if (signal.aborted) return;
          const cause = refusalOf(link, response, `the stream of ${channel}`);
          const isAboutUs = cause.kind === 'unauthorized' || cause.kind === 'refused' || cause.kind === 'lost';
          if (isAboutUs || greets) return gate.down(cause);
          opened();
          close(channel);
          gate.deliver([{ kind: 'denied', channel, code: String(response.status), message: cause.error.message }]);
        },
        deliver(frames: readonly ServerFrame[], id?: string) {
          if (signal.aborted) return;
          gate.deliver(frames.map((frame) => positioned(frame, id)));
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
