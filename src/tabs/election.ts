import { RealtimeError } from '../errors.ts';
import { onAbort } from '../platform/abort.ts';
import { systemIds } from '../platform/random.ts';
import { type BroadcastChannelConstructor, type LocksLike, onFreeze } from '../platform/sharing.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import { type Hub, openHub } from './hub.ts';
import { createMember, type Member } from './member.ts';
import { readMessage, type TabMessage } from './wire.ts';

/** What a link of this tab is: it has the connection, goes by way of the tab that has it, or shares with nobody. */
export type TabRole = 'leader' | 'follower' | 'alone';

/** Where the frames of a link go. */
export type Way = Pick<Hub, 'send'>;

/** One link that is to come up, and what it is made of. */
export interface Candidate {
  readonly transport: Transport;
  readonly request: LinkRequest;
  readonly gate: LinkGate;
  /** Takes the part that the election gave. */
  readonly play: (role: TabRole, way: Way) => void;
}

/** A {@link Candidate} among those that share a lock. */
export interface Voter extends Candidate {
  /** The name of the lock and of the channel. */
  readonly group: string;
  readonly locks: LocksLike;
  readonly Channel: BroadcastChannelConstructor;
  /** Where this tab leads, by the name of the lock. */
  readonly offices: Map<string, Office>;
}

/** A lock that this tab holds, and the connections for which it does: two, while one replaces the other. */
export interface Office {
  /** Opens one more connection. */
  lead(candidate: Candidate): void;
}

/** A connection of its own. */
export function goAlone({ transport, request, gate, play }: Candidate): void {
  if (gate.signal.aborted) return;
  dial(gate, () =>
    play(
      'alone',
      openHub(transport, request, gate, '', () => {}),
    ),
  );
}

/**
 * Finds out who leads. The lock is asked for at once and all the time: a link that gets it while it looks for a leader is
 * the leader, and one that gets it while it follows has lost its leader, and so has everybody behind it in the queue.
 */
export function enter(voter: Voter): void {
  const { request, gate, group, locks, Channel, offices } = voter;
  if (gate.signal.aborted) return;
  // a frozen tab goes on answering the others, so it would be followed though its connection stands still
  onAbort(
    gate.signal,
    onFreeze(() => hand(gate, 'the browser freezes this tab')),
  );
  const office = offices.get(group);
  if (office) return office.lead(voter);
  const channel = new Channel(group);
  const queue = new AbortController();
  /** The lock is ours, and with it the channel, for as long as the office is open. */
  let opened: { close(message: string): void } | undefined;
  const post = (message: TabMessage): void => {
    try {
      channel.postMessage(message);
    } catch {
      // it holds something that cannot be copied, as only a server in the same process can send; as JSON it goes
      channel.postMessage(JSON.parse(JSON.stringify(message)));
    }
  };
  const member: Member = createMember(gate, {
    id: systemIds(),
    clock: request.clock,
    cursor: request.cursor,
    post,
    leaderSilent: () => void ask({ steal: true }),
    alone() {
      leave();
      goAlone(voter);
    },
    following: () => voter.play('follower', member),
  });
  channel.onmessage = ({ data }) => {
    const message = readMessage(data);
    if (message) member.take(message);
  };
  onAbort(gate.signal, leave);
  void ask({ signal: queue.signal });

  function leave(): void {
    member.stop();
    queue.abort();
    if (!opened) channel.close();
  }

  async function ask(how: Parameters<LocksLike['request']>[1]): Promise<void> {
    /** The office that this very request has opened. */
    let own: typeof opened;
    try {
      await locks.request(group, how, () => {
        if (gate.signal.aborted || opened) return undefined;
        if (member.isFollowing) {
          member.lost('the tab that led is gone');
          return undefined;
        }
        return new Promise<void>((release) => {
          opened = openOffice(voter, channel, post, release);
          own = opened;
          leave();
        });
      });
    } catch {
      // another tab has taken the lock from this one, which was frozen or hung
      if (own) own.close('another tab leads now');
      else if (!queue.signal.aborted) {
        leave();
        if (member.isFollowing) member.lost('the browser forbids locks');
        else goAlone(voter);
      }
    }
  }
}

function openOffice(
  voter: Voter,
  channel: InstanceType<BroadcastChannelConstructor>,
  post: (message: TabMessage) => void,
  release: () => void,
): { close(message: string): void } {
  const { group, offices } = voter;
  const hubs = new Map<string, { readonly hub: Hub; readonly gate: LinkGate }>();
  const office: Office = {
    lead({ transport, request, gate, play }) {
      const id = systemIds();
      for (const { hub } of hubs.values()) hub.retire();
      dial(gate, () => {
        const hub = openHub(transport, request, gate, id, post);
        hubs.set(id, { hub, gate });
        play('leader', hub);
      });
      onAbort(gate.signal, () => {
        hubs.delete(id);
        if (hubs.size) return;
        offices.delete(group);
        channel.close();
        release();
      });
    },
  };
  channel.onmessage = ({ data }) => {
    const message = readMessage(data);
    // whoever looks for a leader is for the newest connection
    const to = message?.kind === 'hello' ? [...hubs.keys()].at(-1) : message && 'to' in message ? message.to : undefined;
    if (message && to !== undefined) hubs.get(to)?.hub.take(message);
  };
  post({ kind: 'lead', from: '' });
  offices.set(group, office);
  office.lead(voter);
  return {
    close(message) {
      for (const { gate } of [...hubs.values()]) hand(gate, message);
    },
  };
}

/** Ends a link whose connection goes on in another tab. */
function hand(gate: LinkGate, message: string): void {
  const error = new RealtimeError('connection-lost', message, { transport: gate.transport });
  gate.down({ kind: 'lost', error, handover: true });
}

function dial(gate: LinkGate, open: () => void): void {
  try {
    open();
  } catch (cause) {
    gate.fail('unsupported', `the transport ${gate.transport} broke while it dialled`, { cause });
  }
}
