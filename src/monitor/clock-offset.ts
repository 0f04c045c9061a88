/** What is known of the difference between the server's clock and ours. */
export interface ClockOffset {
  /** The server's clock minus ours, in milliseconds. */
  readonly offsetMs: number;
  /**
   * How far off the estimate can be, in milliseconds: half of the shortest round trip. `undefined` where no round trip was
   * measured: then the fastest message counts as one that took no time.
   */
  readonly uncertaintyMs: number | undefined;
  /** Where it comes from: answers to pings that carry the server's clock, or only dated messages. */
  readonly source: 'round-trip' | 'one-way';
}

/** Estimates the offset of the server's clock from what arrives anyway. */
export interface OffsetEstimator {
  /**
   * A ping was answered.
   *
   * @param serverMs - the server's clock in the answer; `undefined` when it does not say
   * @param wallMs - our clock when the answer came
   * @param nowMs - our monotonic clock
   */
  answered(roundTripMs: number, serverMs: number | undefined, wallMs: number, nowMs: number): void;
  /** A dated message arrived. An old one, such as a replay, does no harm. */
  dated(serverMs: number, wallMs: number, nowMs: number): void;
  read(nowMs: number): ClockOffset | undefined;
}

/** Clocks drift, some 50 parts in a million: what is older than this no longer counts, 10 minutes. */
const sampleLifetimeMs = 600_000;
/** A step of our own clock by more than this makes all that was measured worthless: 1 second. */
const jumpMs = 1_000;
/** One kept sample stands for so long, so that the memory is bounded: 1 minute. */
const slotMs = 60_000;

/**
 * Cristian's algorithm (F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989): the server's
 * clock in the answer, plus half of the round trip, is its clock at the moment of arrival, and it cannot be wrong by more
 * than that half. Of the samples of the last minutes the one with the shortest round trip counts, as in the clock filter of
 * NTP (RFC 5905, section 10). A server that dates only its messages gives a bound for each: the message was under way
 * for some time, so its date is behind. The least behind counts, and half of the shortest round trip is added.
 */
export function createOffsetEstimator(): OffsetEstimator {
  let roundTrips = createBest();
  let answers = createBest();
  let messages = createBest();
  /** Our wall clock minus our monotonic one: it changes when somebody sets the clock. */
  let base: number | undefined;

  function watchOwnClock(wallMs: number, nowMs: number): void {
    const next = wallMs - nowMs;
    if (base !== undefined && Math.abs(next - base) > jumpMs) {
      answers = createBest();
      messages = createBest();
      roundTrips = createBest();
    }
    base = next;
  }

  return {
    answered(roundTripMs, serverMs, wallMs, nowMs) {
      watchOwnClock(wallMs, nowMs);
      roundTrips.add(-roundTripMs, 0, nowMs);
      if (serverMs !== undefined) answers.add(-roundTripMs, serverMs + roundTripMs / 2 - wallMs, nowMs);
    },
    dated(serverMs, wallMs, nowMs) {
      watchOwnClock(wallMs, nowMs);
      messages.add(serverMs - wallMs, serverMs - wallMs, nowMs);
    },
    read(nowMs) {
      const answer = answers.read(nowMs);
      if (answer) return { offsetMs: answer.value, uncertaintyMs: -answer.rank / 2, source: 'round-trip' };
      const message = messages.read(nowMs);
      if (!message) return undefined;
      const shortest = roundTrips.read(nowMs);
      const uncertaintyMs = shortest && -shortest.rank / 2;
      return { offsetMs: message.value + (uncertaintyMs ?? 0), uncertaintyMs, source: 'one-way' };
    },
  };
}

interface Sample {
  /** The highest one is the best. */
  readonly rank: number;
  readonly value: number;
  readonly slot: number;
}

/** The best sample of the last ten minutes, from the best of each minute: at most eleven are kept. */
function createBest(): { add(rank: number, value: number, nowMs: number): void; read(nowMs: number): Sample | undefined } {
  let kept: readonly Sample[] = [];
  const fresh = (nowMs: number): readonly Sample[] =>
    kept.filter(({ slot }) => nowMs - slot * slotMs < sampleLifetimeMs + slotMs);
  return {
    add(rank, value, nowMs) {
      const slot = Math.floor(nowMs / slotMs);
      const last = kept.at(-1);
      if (last?.slot === slot && last.rank >= rank) return;
      kept = [...fresh(nowMs).filter((sample) => sample.slot !== slot), { rank, value, slot }];
    },
    read: (nowMs) =>
      fresh(nowMs).reduce<Sample | undefined>((best, sample) => (best && best.rank >= sample.rank ? best : sample), undefined),
  };
}
