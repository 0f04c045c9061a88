import type { Notice } from './notices.ts';

/** The way to the Socket.IO process. */
export interface SocketLink {
  /** Is the process there, as far as we know? */
  readonly isUp: boolean;
  /** It has reported: it is there. */
  reported(): void;
  /** Gives it something to tell, after everything before. */
  tell(notices: readonly Notice[]): void;
}

/** It reports at least every three seconds. */
const silentMs = 8_000;
const answerMs = 2_000;

/**
 * Tells the Socket.IO process what to say, one request after the other. What it does not get its clients find missing by
 * the numbers, and ask for.
 *
 * @param urlOf - where the process is
 * @param changed - it is there, or is not any more
 */
export function createSocketLink(urlOf: () => Promise<string>, secret: string, changed: () => void): SocketLink {
  let waiting: Notice[] = [];
  let isBusy = false;
  let isUp = false;
  let silence: NodeJS.Timeout | undefined;

  function set(next: boolean): void {
    clearTimeout(silence);
    if (next) {
      silence = setTimeout(() => set(false), silentMs);
      silence.unref();
    }
    if (isUp === next) return;
    isUp = next;
    changed();
  }

  async function drain(): Promise<void> {
    isBusy = true;
    while (waiting.length > 0) {
      const notices = waiting;
      waiting = [];
      try {
        const response = await fetch(new URL('/internal/tell', await urlOf()), {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-desk-secret': secret },
          body: JSON.stringify({ notices }),
          signal: AbortSignal.timeout(answerMs),
        });
        if (!response.ok) throw new Error(`the Socket.IO process answered with ${response.status}`);
      } catch {
        set(false);
      }
    }
    isBusy = false;
  }

  return {
    get isUp() {
      return isUp;
    },
    reported: () => set(true),
    tell(notices) {
      if (!isUp) return;
      waiting.push(...notices);
      if (!isBusy) void drain();
    },
  };
}
