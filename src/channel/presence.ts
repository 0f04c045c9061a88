import {
  type Channel,
  createBus,
  disposable,
  type PresenceMember,
  type Readable,
  type Remover,
  systemVisibility,
  type Visibility,
  writable,
} from 'keepwire';
import { createDeadlines, fieldOf, type Me, onJoin } from './companion.ts';
import { type PresenceSource, type SourceMember, serverPresence } from './presence-source.ts';

export type { By, Me } from './companion.ts';
export type { PresenceFeed, PresenceSource, SourceMember } from './presence-source.ts';

/** How somebody is. */
export type PresenceStatus = 'online' | 'away' | 'offline';

/** One person, however many tabs and devices. */
export interface Member<Data = unknown> {
  /** The stable key of the person. */
  readonly key: string;
  /** `offline` for those who are remembered after they left, and where the server says so. */
  readonly status: PresenceStatus;
  /**
   * When the person came or last changed, and after a leave when it was last heard of: by our own clock, in milliseconds
   * since the Unix epoch, so no other clock can be wrong.
   */
  readonly lastSeen: number;
  /** What the person says about itself. Comes from outside: check it where that matters, see {@link PresenceOptions.read}. */
  readonly data: Data;
  /** On how many tabs and devices, where that is known. */
  readonly devices: number | undefined;
}

/** What happens to members, for {@link Presence.on}. */
export interface PresenceEvents<Data = unknown> {
  /** Somebody came. Who was here before us is no news. */
  readonly join: Member<Data>;
  /** Somebody says something new, or is online or away now. */
  readonly update: Member<Data>;
  /** Somebody has been gone for the grace time; as it was last. */
  readonly leave: Member<Data>;
  /** We were cut off, and are entered again. */
  readonly reenter: Member<Data> | undefined;
}

/** The options of {@link presence}. */
export interface PresenceOptions<Data extends object = object> {
  /** Who we are. Without it we watch and are not seen. */
  readonly me?: Me<Data>;
  /** Where it is known from: the server's presence, or `beacons()` of `keepwire/beacons` where the server has none. @defaultValue `'server'` */
  readonly source?: 'server' | PresenceSource;
  /** Who is back within this time never left, in milliseconds. @defaultValue 5000 */
  readonly graceMs?: number;
  /** Hidden for this long, we are away, in milliseconds; `Infinity` for never. @defaultValue 60000 */
  readonly awayAfterMs?: number;
  /** For how long those who left are still listed as offline, in milliseconds. @defaultValue 0 */
  readonly rememberMs?: number;
  /** Reads what somebody says. @defaultValue the status is `data.status`, or `online` */
  readonly read?: (member: PresenceMember) => Partial<Pick<Member<Data>, 'status' | 'data'>>;
  /** Tells when nobody looks. @defaultValue the visibility of the page */
  readonly visibility?: Visibility;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Who is in a channel. Made by {@link presence}. */
export interface Presence<Data extends object = object> extends Disposable {
  /** Everybody, us included, in the order of coming. */
  readonly members: Readable<readonly Member<Data>[]>;
  /** Everybody else. */
  readonly others: Readable<readonly Member<Data>[]>;
  /** Us, as the others see us; `undefined` until we are entered. */
  readonly me: Readable<Member<Data> | undefined>;
  /** Says something new about us; the rest stays. */
  update(patch: Partial<Data>): void;
  /** Says that we are away, or that we are back. Being away on purpose lasts until we say otherwise. */
  setStatus(status: 'online' | 'away'): void;
  /** Listens to what happens. */
  on<Name extends keyof PresenceEvents>(event: Name, listener: (member: PresenceEvents<Data>[Name]) => void): Remover;
  /** Takes us out, and lets go of the channel. Calling it twice is harmless. */
  close(): void;
}

/** When more people are listed, those who have left of late go at once, the oldest first. */
const mostKnown = 10_000;

/** A member, and what it was made of. */
interface Known<Data> {
  /** `undefined` for one who has left, and is remembered. */
  readonly raw: PresenceMember | undefined;
  readonly member: Member<Data>;
  /** When it was last there, once it is missing. */
  seenAt: number;
}

/**
 * Shows who is in a channel, and enters us; after a reconnect we are entered again. It ends with the handle of the
 * channel, with the signal, or by `close`. A handle enters one person once: another presence takes a handle of its own.
 *
 * @throws RealtimeError `invalid-payload` for data that is no JSON, `closed`
 * @example
 * ```ts
 * const { others } = presence(channel, { me: { key: user.id, data: { name: user.name } }, signal });
 * others.subscribe((members) => show(members.map(({ data, status }) => `${data.name}: ${status}`)));
 * ```
 */
export function presence<Data extends object = object>(channel: Channel, options: PresenceOptions<Data> = {}): Presence<Data> {
  const { me, source = 'server', graceMs = 5_000, awayAfterMs = 60_000, rememberMs = 0, signal } = options;
  const { read = readStatus<Data>, visibility = systemVisibility } = options;
  const { context } = channel;
  const { clock } = context.platform;
  const known = new Map<string, Known<Data>>();
  const members = writable<readonly Member<Data>[]>([], context.report);
  const others = writable<readonly Member<Data>[]>([], context.report);
  const mine = writable<Member<Data> | undefined>(undefined, context.report);
  const bus = createBus<{ [Name in keyof PresenceEvents]: PresenceEvents<Data>[Name] }>(context.report);
  /** Who is missing has until then to come back, and who has left is remembered until then. */
  const absence = createDeadlines(clock, (keys) => {
    keys.forEach(leave);
    show();
  });
  /** They have left, and nobody was told yet: a crowd that leaves together is one new list. */
  const leavers: Member<Data>[] = [];
  let data = me?.data ?? ({} as Data);
  let isAwayOnPurpose = false;
  let isAwayUnseen = false;
  let cancelAway = (): void => {};
  let isOpen = true;

  function show(): void {
    const all = [...known.values()].map(({ member }) => member);
    const own = me && known.get(me.key)?.member;
    members.set(all);
    // the same people are the same list: who shows the others is not disturbed by us
    const rest = all.filter((member) => member !== own);
    if (rest.length !== others.get().length || rest.some((member, index) => member !== others.get()[index])) others.set(rest);
    mine.set(own);
    for (const member of leavers.splice(0)) bus.emit('leave', member);
  }

  /** Takes the list of those who are there. */
  function changed(list: readonly SourceMember[], isNews: boolean): void {
    const missing = new Map(known);
    const happened: (readonly ['join' | 'update', Member<Data>])[] = [];
    for (const raw of list) {
      const { key, devices } = raw;
      missing.delete(key);
      absence.delete(key);
      const before = known.get(key);
      if (before?.raw === raw) continue;
      const { status = 'online', data: said } = read(raw);
      const member: Member<Data> = { key, status, lastSeen: clock.wallNow(), data: said as Data, devices };
      const isSame = before?.raw && alike(before.member) === alike(member);
      known.set(key, { raw, member: isSame ? before.member : member, seenAt: 0 });
      if (!isSame) happened.push([before?.raw ? 'update' : 'join', member]);
    }
    for (const [key, one] of missing) {
      if (known.size > mostKnown) leave(key);
      else if (one.raw && !absence.has(key)) {
        one.seenAt = clock.wallNow();
        absence.set(key, graceMs);
      }
    }
    if (leavers.length || happened.length) show();
    for (const [name, member] of happened) if (isNews || name === 'update') bus.emit(name, member);
  }

  /** The grace time is over, or the time of remembering, or there is no room for those who are gone. */
  function leave(key: string): void {
    const { raw, member, seenAt } = known.get(key) as Known<Data>;
    absence.delete(key);
    if (raw) leavers.push(member);
    if (raw && rememberMs > 0 && known.size <= mostKnown) {
      known.set(key, { raw: undefined, member: { ...member, status: 'offline', lastSeen: seenAt, devices: undefined }, seenAt });
      absence.set(key, rememberMs);
    } else known.delete(key);
  }

  const feed = (source === 'server' ? serverPresence : source)(channel, me, changed);

  function announce(): void {
    if (isOpen && me) feed.announce({ ...data, status: isAwayOnPurpose || isAwayUnseen ? 'away' : 'online' });
  }

  function followVisibility(): void {
    cancelAway();
    if (visibility.isHidden()) {
      if (Number.isFinite(awayAfterMs)) cancelAway = clock.schedule(() => setUnseen(true), awayAfterMs);
    } else setUnseen(false);
  }

  function setUnseen(isUnseen: boolean): void {
    if (isAwayUnseen === isUnseen) return;
    isAwayUnseen = isUnseen;
    announce();
  }

  announce();
  const removers = [
    visibility.onChange(followVisibility),
    onJoin(channel, (isJoined, wasJoinedBefore) => {
      if (isJoined && wasJoinedBefore && me) bus.emit('reenter', mine.get());
    }),
  ];
  followVisibility();
  const close = context.until(() => {
    isOpen = false;
    for (const remove of removers) remove();
    cancelAway();
    feed.close();
    absence.clear();
    bus.clear();
  }, signal);

  const handle: Omit<Presence<Data>, typeof Symbol.dispose> = {
    members,
    others,
    me: mine,
    update(patch) {
      data = { ...data, ...patch };
      announce();
    },
    setStatus(status) {
      isAwayOnPurpose = status === 'away';
      announce();
    },
    on(event, listener) {
      const remove = bus.on(event, listener);
      return disposable(remove, remove);
    },
    close,
  };
  return disposable(handle, close);
}

function readStatus<Data>({ data }: PresenceMember): { status: PresenceStatus; data: Data } {
  const status = fieldOf(data, 'status');
  return { status: status === 'away' || status === 'offline' ? status : 'online', data: data as Data };
}

/** What makes two members the same news. */
function alike({ status, data, devices }: Member): string {
  return JSON.stringify([status, data, devices]);
}
