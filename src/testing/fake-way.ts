import type { Clock } from 'keepwire';

/** The way between a fake server and its clients: what is on it can be late, lost or out of order. */
export interface FakeWay {
  /** Everything takes so long from now on, in milliseconds. */
  lag(delayMs: number): void;
  /** The next events come in the opposite order. */
  reorder(count: number): void;
  /** The next events do not come. */
  lose(count: number): void;
  /** Whatever is held back is dropped. */
  forget(): void;
  /** Something goes to a client: at once, or when its time has come; never before what went earlier. */
  pass(send: () => void): void;
  /** An event goes to the clients. */
  event(tell: () => void): void;
  /** Something goes to the server, and its answer comes back. */
  carry<T>(take: () => Promise<T>): Promise<T>;
}

/** Makes a way without any trouble. */
export function createFakeWay(clock: Clock): FakeWay {
  let lagMs = 0;
  let losing = 0;
  let swapping = 0;
  let held: (() => void)[] = [];
  /** When the last of what is late arrives, in either direction. */
  let calmMs = Number.NEGATIVE_INFINITY;
  const [down, up] = [lane(), lane()];

  /** One direction: what is sent later never overtakes what was sent earlier, also when the lag changes. */
  function lane(): (send: () => void) => void {
    let lastMs = Number.NEGATIVE_INFINITY;
    return (send) => {
      const dueMs = Math.max(clock.now() + lagMs, lastMs);
      if (dueMs <= clock.now()) return send();
      lastMs = dueMs;
      calmMs = Math.max(calmMs, dueMs);
      clock.schedule(send, dueMs - clock.now());
    };
  }

  return {
    lag(delayMs) {
      lagMs = delayMs;
    },
    reorder(count) {
      swapping = count;
    },
    lose(count) {
      losing = count;
    },
    forget() {
      held = [];
    },
    pass: down,
    event(tell) {
      if (losing > 0) {
        losing -= 1;
        return;
      }
      if (swapping === 0) return tell();
      held.push(tell);
      swapping -= 1;
      if (swapping > 0) return;
      for (const late of held.splice(0).reverse()) late();
    },
    async carry(take) {
      // without a lag nothing is added, not even a turn
      if (lagMs === 0 && calmMs <= clock.now()) return take();
      await new Promise<void>(up);
      const answer = await take();
      await new Promise<void>(down);
      return answer;
    },
  };
}
