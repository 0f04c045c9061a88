import type { AuthFrame } from './frames.ts';

/** Why the server ends a link or does not let one in. */
export interface End {
  readonly kind: 'unauthorized' | 'forbidden' | 'dismissed' | 'restart' | 'overloaded' | 'protocol';
  readonly message: string;
  /** Do not dial again before, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Then at a random moment within, in milliseconds. */
  readonly spreadMs?: number;
  /** For `unauthorized`: what the auth frame says. */
  readonly status?: AuthFrame['status'];
}

/** The status with which HTTP says the same. */
export const endStatus: Record<End['kind'], number> = {
  unauthorized: 401,
  forbidden: 403,
  dismissed: 410,
  restart: 503,
  overloaded: 503,
  protocol: 400,
};

/** The close code with which a WebSocket says the same. */
export const endCode: Record<End['kind'], number> = {
  unauthorized: 4401,
  forbidden: 4403,
  dismissed: 4410,
  restart: 1012,
  overloaded: 1013,
  protocol: 1002,
};

/** The sending side of one link. A carrier makes one, the hub writes to it. */
export interface Outlet {
  /** Sends frames that are JSON already. */
  send(frames: readonly string[]): void;
  /** How many bytes wait for the network. */
  waiting(): number;
  /** Resolves when nothing waits any more, or the link is gone. */
  drained(): Promise<void>;
  /** Ends the link after what was sent. */
  end(end: End): void;
  /** Ends the link as a broken network would. */
  cut(): void;
}

/** A message that is longer is split, so that no client has to take a replay as one message. In characters. */
const longestMessage = 256 * 1024;

/**
 * Joins frames to messages. The links of a channel mostly get the same frames in the same tick: the last result is kept,
 * and comparing texts that are the same object costs next to nothing.
 */
export function createComposer(): (frames: readonly string[]) => readonly string[] {
  let lastFrames: readonly string[] = [];
  let lastMessages: readonly string[] = [];
  return (frames) => {
    if (frames.length === 1) return frames;
    if (frames.length === lastFrames.length && frames.every((frame, index) => frame === lastFrames[index])) return lastMessages;
    lastFrames = frames;
    lastMessages = split(frames).map((part) => `[${part.join(',')}]`);
    return lastMessages;
  };
}

function split(frames: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [];
  let part: string[] = [];
  let length = 0;
  for (const frame of frames) {
    if (part.length > 0 && length + frame.length > longestMessage) {
      parts.push(part);
      part = [];
      length = 0;
    }
    part.push(frame);
    length += frame.length;
  }
  return [...parts, part];
}
