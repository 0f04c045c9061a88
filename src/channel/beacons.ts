import { RealtimeError } from 'keepwire';
import { type By, byFromOrKey, createDeadlines, fieldOf, onJoin, whisper } from './companion.ts';
import type { PresenceSource, SourceMember } from './presence-source.ts';

/** The options of {@link beacons}. */
export interface BeaconOptions {
  /** The name of the event that carries a beacon. @defaultValue `'presence'` */
  readonly event?: string;
  /** How often we say that we are here, in milliseconds; while away four times as slowly. @defaultValue 15000 */
  readonly everyMs?: number;
  /** Who is asked who is there answers within this time, each at a moment of its own, in milliseconds. @defaultValue 1000 */
  readonly answerWithinMs?: number;
  /** Who is behind a beacon. @defaultValue the sender by the server's word, else `data.key` */
  readonly by?: By;
}

/** One tab or device of somebody. */
interface Device {
  readonly key: string;
  readonly data: unknown;
  readonly everyMs: number;
}

/** More devices are not believed. */
const mostDevices = 1_000;
/** Hidden pages may run their timers only once a minute. */
const awayFactor = 4;
/** One beacon may be lost, and the next may be late. */
const patience = 2.5;
/** What a sender may say of its own interval, in milliseconds. */
const shortestMs = 1_000;
const longestMs = 120_000;
/** A deadline that is noticed so much later tells that we slept, and not the others. */
const sleptMs = 5_000;

/**
 * Presence without any help from the server: everybody says now and then, by a volatile event, that they are here. Who
 * comes asks, and the others answer. Made for channels of some dozens of people; beyond that the server should do it.
 *
 * @throws RealtimeError `invalid-option`
 * @example
 * ```ts
 * presence(channel, { me, source: beacons({ everyMs: 10_000 }) });
 * ```
 */
export function beacons(options: BeaconOptions = {}): PresenceSource {
  const { event = 'presence', everyMs = 15_000, answerWithinMs = 1_000, by = byFromOrKey } = options;
  if (!(everyMs >= shortestMs && everyMs * awayFactor <= longestMs)) {
    throw new RealtimeError('invalid-option', 'everyMs of beacons() is not between 1000 and 30000');
  }

  return (channel, me, changed) => {
    const { clock, random, newId } = channel.context.platform;
    /** Names this tab, so that we know our own beacons. */
    const client = newId();
    /** By client, the one that said something new last at the end. */
    const devices = new Map<string, Device>();
    let members = new Map<string, SourceMember>();
    /** What we say of ourselves. */
    let said: object | undefined;
    let cancelNext = (): void => {};
    let cancelAnswer: (() => void) | undefined;
    let isJoined = false;
    let cancelNews: (() => void) | undefined;
    let isNews = false;
    let isOpen = true;

    const silence = createDeadlines(clock, (silent, lateMs) => {
      if (lateMs < sleptMs) return drop(silent);
      for (const from of silent) expect(from, devices.get(from));
      askSoon();
    });

    function expect(from: string, device: Device | undefined): void {
      if (device && from !== client) silence.set(from, device.everyMs * patience);
    }

    function drop(gone: readonly string[]): void {
      let isNew = false;
      for (const from of gone) {
        silence.delete(from);
        isNew = devices.delete(from) || isNew;
      }
      if (isNew) tell();
    }

    /** One member for all devices of a key. An unchanged one stays the same object. */
    function tell(): void {
      const merged = new Map<string, SourceMember>();
      for (const { key, data } of devices.values()) {
        const before = merged.get(key);
        // one device on which somebody is online is enough
        const isOnline = fieldOf(data, 'status') !== 'away' || (before && fieldOf(before.data, 'status') === 'online');
        merged.set(key, {
          key,
          data: { ...(data as object), status: isOnline ? 'online' : 'away' },
          devices: (before?.devices ?? 0) + 1,
        });
      }
      for (const [key, member] of merged) {
        const before = members.get(key);
        if (before && JSON.stringify(before) === JSON.stringify(member)) merged.set(key, before);
      }
      members = merged;
      changed([...merged.values()], isNews);
    }

    function beacon(more?: object): void {
      cancelNext();
      if (!isJoined || !isOpen) return;
      const interval = intervalMs();
      if (said) {
        whisper(channel, event, { ...me, client, data: said, everyMs: interval, ...more });
        // so that those who came together do not always speak together
        cancelNext = clock.schedule(beacon, interval * (0.9 + random() * 0.2));
      } else if (more) whisper(channel, event, { client, ...more });
    }

    function intervalMs(): number {
      return fieldOf(said, 'status') === 'away' ? everyMs * awayFactor : everyMs;
    }

    function soon(more?: object): void {
      cancelAnswer ??= clock.schedule(() => {
        cancelAnswer = undefined;
        beacon(more);
      }, random() * answerWithinMs);
    }

    function askSoon(): void {
      cancelAnswer?.();
      cancelAnswer = undefined;
      soon({ ask: true });
    }

    const removers = [
      channel.on(event, (heard, message) => {
        const from = fieldOf(heard, 'client');
        if (typeof from !== 'string' || from === client) return;
        const key = by(heard, message);
        const known = devices.get(from);
        // nobody speaks for the device of another
        if (known && known.key !== key) return;
        if (fieldOf(heard, 'gone') === true) return drop([from]);
        if (fieldOf(heard, 'ask') === true) soon();
        const data = fieldOf(heard, 'data');
        const everyMs = Math.min(Math.max(Number(fieldOf(heard, 'everyMs')), shortestMs), longestMs);
        // without an interval it only asks
        if (key === undefined || Number.isNaN(everyMs)) return;
        if (!known && devices.size >= mostDevices) return;
        const device: Device = { key, data, everyMs };
        // who only says again that they are here does not take the word from their other devices
        if (JSON.stringify(known?.data) !== JSON.stringify(data)) devices.delete(from);
        devices.set(from, device);
        expect(from, device);
        tell();
      }),
      onJoin(channel, (isJoinedNow, wasJoinedBefore) => {
        isJoined = isJoinedNow;
        if (!isJoined) {
          // nobody can be heard, so nobody's silence means anything
          cancelNext();
          return silence.clear();
        }
        for (const [from, device] of devices) expect(from, device);
        beacon({ ask: true });
        if (!wasJoinedBefore) {
          cancelNews = clock.schedule(() => {
            isNews = true;
          }, answerWithinMs * 2);
        }
      }),
    ];

    return {
      announce(data) {
        said = data;
        devices.delete(client);
        if (me) devices.set(client, { key: me.key, data, everyMs });
        tell();
        beacon();
      },
      close() {
        if (said && isJoined) whisper(channel, event, { ...me, client, gone: true });
        isOpen = false;
        for (const remove of removers) remove();
        cancelNext();
        cancelAnswer?.();
        cancelNews?.();
        silence.clear();
      },
    };
  };
}
