import { onAbort } from '../platform/abort.ts';
import { aFunction, anObject, aText, check, checkOptions, madeBy, type OptionRules } from '../platform/rules.ts';
import {
  type BroadcastChannelConstructor,
  type BroadcastChannelLike,
  digest,
  type LocksLike,
  systemBroadcastChannel,
  systemLocks,
} from '../platform/sharing.ts';
import { claimsOf } from '../protocol/jwt.ts';
import { keepwireFrames } from '../protocol/keepwire.ts';
import { type LinkGate, openGate } from '../transport/link.ts';
import type { Credentials, Transport } from '../transport/transport.ts';
import { type Candidate, enter, goAlone, type Office, type TabRole, type Way } from './election.ts';
import { tabsVersion } from './wire.ts';

export type { BroadcastChannelConstructor, BroadcastChannelLike, LocksLike, TabRole };

/** The options of {@link sharedTabs}. */
export interface SharedTabsOptions {
  /**
   * What the tabs must have in common to share: the address of the server, and the version of the application if it changes
   * what is sent. Two servers must never have the same key. The transport's name and the user are added to it.
   */
  readonly key: string;
  /** @defaultValue `navigator.locks`, read at each attempt */
  readonly locks?: LocksLike;
  /** @defaultValue `globalThis.BroadcastChannel`, read at each attempt */
  readonly BroadcastChannel?: BroadcastChannelConstructor;
}

/** A transport whose connection is shared by the tabs of one browser. */
export interface SharedTabs extends Transport {
  /** What this tab is now; `undefined` while there is no link, and while it is still to be found out. */
  readonly role: TabRole | undefined;
}

const aTransport = madeBy('websocket', 'connect');
const rules: OptionRules<SharedTabsOptions> = {
  key: ['a text, such as the address of the server', aText[1], true],
  locks: anObject,
  BroadcastChannel: aFunction,
};

/** What all virtual links speak: the link of the leader has been greeted, so a gate needs no greeting of its own. */
const dialect = { ...keepwireFrames, traits: { ...keepwireFrames.traits, greets: false } };

/**
 * A transport that gives all tabs of one browser and user one connection: a leader, found by Web Locks, has it, and the
 * others go by way of that tab over a `BroadcastChannel`. When the leader is closed, crashes or freezes, another tab leads;
 * to the manager of each tab this is a link that was lost, so positions and sends go on as they do after any loss.
 *
 * Tabs share only with the same key, transport, user and version of keepwire. The user is the `subject` of the credentials,
 * else `sub` of a JWT, with the `iss` of the JWT where there is one, else the token itself; only a hash of it is ever part of a name. Where the browser has no
 * Web Locks or `BroadcastChannel`, or forbids them, the tab has a connection of its own.
 *
 * @throws RealtimeError `invalid-option` without a key
 * @example
 * ```ts
 * const url = 'wss://example.com/realtime';
 * const realtime = createRealtime({ transports: [sharedTabs(websocket({ url }), { key: url })], auth });
 * ```
 */
export function sharedTabs(transport: Transport, options: SharedTabsOptions): SharedTabs {
  check('the transport of sharedTabs()', transport, aTransport);
  checkOptions('sharedTabs', options, rules);
  const { name, capabilities } = transport;
  const { key } = options;
  const offices = new Map<string, Office>();
  /** What each link that lives is, and where its frames go; the newest is the last. */
  const parts = new Map<LinkGate, { readonly role: TabRole; readonly way: Way }>();

  return {
    name,
    capabilities: { ...capabilities, joining: 'frame' },
    get role() {
      return [...parts.values()].at(-1)?.role;
    },
    connect(request, sink) {
      const gate = openGate(name, dialect, request, sink);
      onAbort(gate.signal, () => parts.delete(gate));
      const candidate: Candidate = { transport, request, gate, play: (role, way) => parts.set(gate, { role, way }) };
      const locks = options.locks ?? systemLocks();
      const Channel = options.BroadcastChannel ?? systemBroadcastChannel();
      if (locks && Channel) {
        groupName(key, name, request.credentials)
          .then((group) => enter({ ...candidate, group, locks, Channel, offices }))
          .catch(() => goAlone(candidate));
      } else goAlone(candidate);
      return gate.link(async (frames) => parts.get(gate)?.way.send(frames));
    },
  };
}

/** What only those tabs have in common that may share. */
async function groupName(key: string, transport: string, credentials: Credentials | undefined): Promise<string> {
  // a name can be read by every script of the origin, so of the user there is only a hash
  const user = credentials && (await digest(JSON.stringify(userOf(credentials))));
  return `keepwire.tabs.${JSON.stringify([tabsVersion, transport, key, user])}`;
}

/** Whom the credentials are for, as exactly as they tell; who has the same token is the same user. */
function userOf({ subject, token }: Credentials): unknown {
  const { iss, sub } = claimsOf(token);
  const name = subject ?? sub;
  return name === undefined ? token : [iss, name];
}
