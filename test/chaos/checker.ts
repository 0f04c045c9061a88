import type { Position } from '../../src/index.ts';
import type { Entry, Ledger, SendRecord, Timeline, Violation, ViolationKind } from './ledger.ts';
import type { EpochRecord, Place, Truth } from './truth.ts';

/** The part of the truth that is looked at. */
export type KnownTruth = Pick<Truth, 'channels' | 'passed' | 'headOf'>;

/** What a run allows. */
export interface CheckOptions {
  /** Messages vanished on live links, so a gap may stand for what the server has and did not get through. @defaultValue false */
  readonly mayGiveUp?: boolean;
}

/**
 * Judges a run: all that was published against all that was delivered, as a total queue is judged. Source: K. Kingsbury,
 * Jepsen, the checker `total-queue`; here with gap notices, which may stand for what could not be replayed.
 */
export function check({ sends, timelines }: Ledger, truth: KnownTruth, { mayGiveUp = false }: CheckOptions = {}): Violation[] {
  const byId = new Map(sends.map((send) => [send.id, send]));
  return [
    ...timelines.flatMap((timeline) => checkTimeline(timeline, byId, truth, mayGiveUp)),
    ...checkEffects(sends, truth),
    ...checkSendOrder(sends, truth),
  ];
}

/** Has a handle got everything that there is? */
export function isUpToDate(timeline: Timeline, truth: KnownTruth): boolean {
  const { channel, confirmed } = timeline;
  const head = truth.headOf(channel);
  const at = lastPlace(timeline, truth) ?? confirmed;
  return confirmed !== undefined && at !== undefined && at.epoch === head.epoch && at.offset >= head.offset;
}

function lastPlace({ entries, channel }: Timeline, truth: KnownTruth): Place | undefined {
  for (const entry of [...entries].reverse()) {
    if (entry.kind === 'gap') return placeOf(channel, entry.gap.until, truth);
    if (entry.offset !== undefined) return { epoch: epochOf(entry), offset: entry.offset };
  }
  return undefined;
}

/** What one handle was given. */
function checkTimeline(
  timeline: Timeline,
  sends: ReadonlyMap<string, SendRecord>,
  truth: KnownTruth,
  mayGiveUp: boolean,
): Violation[] {
  const { channel, client, confirmed, entries, isLeft, late } = timeline;
  const found: Violation[] = [];
  const add = (kind: ViolationKind, what: string): void =>
    void found.push({ kind, what: `client ${client}, ${channel}: ${what}` });
  const epochs = truth.channels.get(channel) ?? [];
  const seen = new Set<string>();
  let at: Place | undefined;

  if (late > 0) add('late', `${late} events after it was left`);
  if (confirmed === undefined) {
    if (entries.length > 0) add('phantom', 'something was delivered on a channel that was never joined');
    else if (!isLeft) add('lost', 'it was never joined');
    return found;
  }
  for (const entry of entries) {
    if (entry.kind === 'gap') at = checkGap(entry, at);
    else if (entry.offset === undefined) checkPassing(entry);
    else at = checkEvent(entry, entry.offset, at);
  }
  const head = truth.headOf(channel);
  const end = at ?? confirmed;
  if (!isLeft && !(end.epoch === head.epoch && end.offset === head.offset)) {
    add('lost', `the log ends at ${show(head)}, the last that was delivered is ${show(end)}`);
  }
  return found;

  function checkEvent(entry: Entry & { kind: 'event' }, offset: number, before: Place | undefined): Place {
    const place = { epoch: epochOf(entry), offset };
    const name = show(place);
    const published = epochs[place.epoch]?.entries[offset - 1];
    if (published?.id !== entry.id || published?.from !== entry.from || published?.data !== JSON.stringify(entry.data)) {
      add('phantom', `${name} is not what was published there`);
      return before ?? place;
    }
    const send = sends.get(entry.id ?? '');
    if (send === undefined || send.channel !== channel) add('phantom', `${name} was never sent here`);
    if (seen.has(name)) {
      add('duplicated', `${name} came twice`);
      return before ?? place;
    }
    seen.add(name);
    const expected = before ?? start(place);
    if (!isBefore(expected, place)) {
      add('reordered', `${name} came after ${show(expected)}`);
      return expected;
    }
    if (place.epoch !== expected.epoch || offset !== expected.offset + 1) {
      add('lost', `from ${show(expected)} to ${name} without a gap`);
    }
    return place;
  }

  /** The first one may lie before the moment at which we heard of the join, and not after it. */
  function start(first: Place): Place {
    const isEarlier = first.epoch < joinedAt().epoch || (first.epoch === joinedAt().epoch && first.offset <= joinedAt().offset);
    return isEarlier ? { epoch: first.epoch, offset: first.offset - 1 } : joinedAt();
  }

  function joinedAt(): Place {
    return confirmed as Place;
  }

  function checkPassing({ id = '', data }: Entry & { kind: 'event' }): void {
    const passed = truth.passed.get(channel)?.get(id);
    if (passed?.data !== JSON.stringify(data)) return add('phantom', `${id} was never passed on`);
    if (seen.has(id)) add('duplicated', `${id} came twice`);
    seen.add(id);
  }

  function checkGap({ gap }: Entry & { kind: 'gap' }, before: Place | undefined): Place {
    const after = placeOf(channel, gap.after, truth);
    const until = placeOf(channel, gap.until, truth);
    const range = `${gap.reason} from ${JSON.stringify(gap.after)} to ${JSON.stringify(gap.until)}`;
    if (after === undefined || until === undefined) {
      add('false-gap', `${range} has no range`);
      return before ?? joinedAt();
    }
    const expected = before ?? (isBefore(after, joinedAt()) ? after : joinedAt());
    if (!isSame(after, expected)) add('false-gap', `${range} begins elsewhere than at ${show(expected)}`);
    if (!isBefore(expected, until)) add('false-gap', `${range} ends before ${show(expected)}`);
    // everything that is kept could have been replayed
    const { trimmedTo = 0 } = epochs[until.epoch] ?? {};
    const isGivenUp = mayGiveUp && after.epoch === until.epoch;
    if (until.offset > trimmedTo && !isGivenUp) add('false-gap', `${range} covers what the server still has, after ${trimmedTo}`);
    if (after.epoch === until.epoch && gap.missing !== until.offset - after.offset) add('false-gap', `${range}: ${gap.missing}`);
    return until;
  }
}

/** Every send against what it did. */
function checkEffects(sends: readonly SendRecord[], truth: KnownTruth): Violation[] {
  const effects = effectsOf(truth);
  return sends.flatMap(({ id, client, user, channel, isVolatile, outcome }) => {
    const places = effects.get(`${channel} ${id}`) ?? [];
    const name = `send ${id} of client ${client} on ${channel} (${outcome.kind})`;
    const wrong: string[] = [];
    if (new Set(places.map(({ epoch }) => epoch)).size < places.length) wrong.push('was applied twice in one log');
    if (places.some(({ from }) => from !== user)) wrong.push('was applied as somebody else');
    if (outcome.kind === 'open') wrong.push('has not ended');
    if (outcome.kind === 'failed' && outcome.code === 'rejected' && places.length > 0) wrong.push('was refused and applied');
    if (outcome.kind === 'accepted' && !isVolatile) {
      const { epoch, offset } = outcome;
      if (!places.some((place) => place.name === epoch && place.offset === offset)) {
        wrong.push(`is said to be ${epoch}/${offset}, and is ${JSON.stringify(places)}`);
      }
    }
    return wrong.map((what) => ({ kind: 'effect' as const, what: `${name} ${what}` }));
  });
}

/** How often each send was applied in one log. */
export function mostEffects(truth: KnownTruth): number {
  let most = 0;
  for (const places of effectsOf(truth).values()) {
    for (const { epoch } of places) most = Math.max(most, places.filter((place) => place.epoch === epoch).length);
  }
  return most;
}

interface Effect extends Place {
  readonly name: string;
  readonly from: string;
}

function effectsOf({ channels }: KnownTruth): Map<string, Effect[]> {
  const effects = new Map<string, Effect[]>();
  for (const [channel, epochs] of channels) {
    epochs.forEach(({ name, entries }, epoch) => {
      for (const { id, offset, from } of entries) {
        const key = `${channel} ${id}`;
        effects.set(key, [...(effects.get(key) ?? []), { epoch, offset, name, from }]);
      }
    });
  }
  return effects;
}

/**
 * What a client sent to a channel, and got accepted, was applied in the order of its calls. A send counts where it was
 * applied first: a server that forgot it may apply a late copy once more.
 */
function checkSendOrder(sends: readonly SendRecord[], { channels }: KnownTruth): Violation[] {
  const judged = sends.filter(({ outcome, mayBePutOff }) => outcome.kind === 'accepted' && !mayBePutOff);
  const accepted = new Map(judged.map((send) => [send.id, send]));
  const found: Violation[] = [];
  for (const [channel, epochs] of channels) {
    const last = new Map<number, number>();
    const applied = new Set<string>();
    for (const { id } of epochs.flatMap(({ entries }: EpochRecord) => entries)) {
      const send = accepted.get(id);
      if (send === undefined || applied.has(id)) continue;
      applied.add(id);
      const before = last.get(send.client) ?? -1;
      if (send.n < before) {
        found.push({
          kind: 'send-order',
          what: `client ${send.client} on ${channel}: send ${send.n} was applied after ${before}`,
        });
      }
      last.set(send.client, Math.max(before, send.n));
    }
  }
  return found;
}

/** The log stamps the number of the epoch on what it numbers. */
function epochOf({ data }: Entry & { kind: 'event' }): number {
  return (data as { epoch?: number } | null)?.epoch ?? -1;
}

function placeOf(channel: string, position: Position | undefined, { channels }: KnownTruth): Place | undefined {
  if (typeof position !== 'object') return undefined;
  const epoch = (channels.get(channel) ?? []).findIndex(({ name }) => name === position.epoch);
  return epoch < 0 ? undefined : { epoch, offset: position.offset };
}

function isBefore(one: Place, other: Place): boolean {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.offset < other.offset);
}

function isSame(one: Place, other: Place): boolean {
  return one.epoch === other.epoch && one.offset === other.offset;
}

function show({ epoch, offset }: Place): string {
  return `${epoch}/${offset}`;
}
