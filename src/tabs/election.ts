import { onAbort } from '../platform/abort.ts';
import { systemIds } from '../platform/random.ts';
import { type BroadcastChannelConstructor, type LocksLike, onFreeze } from '../platform/sharing.ts';
import type { LinkGate } from '../transport/link.ts';
import type { LinkRequest, Transport } from '../transport/transport.ts';
import { type Hub, openHub } from './hub.ts';
import { type Line, openLine } from './line.ts';
import { createMember } from './member.ts';

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

/** A lock that this tab holds: opens one more connection under it. There are two, while one replaces the other. */
export type Office = (candidate: Candidate) => void;

/** A connection of its own. */
export function goAlone(candidate: Candidate): void {
  // nobody hears of it, but an empty name would be that of a link that has left
  dial(candidate, 'alone', 'alone', () => {});
}

/**
 * Finds out who leads. The lock is asked for at once and all the time: a link that gets it while it looks for a leader is
 * the leader, and one that gets it while it follows has lost its leader, and so has everybody behind it in the queue.
 */
export function enter(voter: Voter): void {
  const { request, gate, group, locks, Channel, offices, play } = voter;
  if (gate.signal.aborted) return;
  // a frozen tab goes on answering the others, so it would be followed though its connection stands still
  const thaw = onFreeze(() => hand(gate, 'the browser freezes this tab'));
  onAbort(gate.signal, thaw);
  const office = offices.get(group);
  if (office) return office(voter);
  const line = openLine(Channel, group);
  const queue = new AbortController();
  /** The lock is ours, and with it the line, for as long as the office is open. */
  let isOpen = false;
  const member = createMember(gate, {
    request,
    post: line.post,
    leaderSilent: () => void ask({ steal: true }),
    alone() {
      leave();
      goAlone(voter);
    },
    following: () => play('follower', member),
  });
  line.hear = member.take;
  onAbort(gate.signal, leave);
  void ask({ signal: queue.signal });

  function leave(): void {
    member.stop();
    queue.abort();
    if (!isOpen) line.close();
  }

  async function ask(how: Parameters<LocksLike['request']>[1]): Promise<void> {
    /** Ends the office that this very request has opened. */
    let close: (() => void) | undefined;
    try {
      await locks.request(group, how, () => {
        if (gate.signal.aborted || isOpen) return undefined;
        if (member.isFollowing) {
          hand(gate, 'the tab that led is gone');
          return undefined;
        }
        isOpen = true;
        leave();
        return new Promise<void>((release) => {
          close = openOffice(voter, line, release);
        });
      });
    } catch (cause) {
      // another tab has taken the lock from this one, which was frozen or hung
      if (close) close();
      else if (queue.signal.aborted) return;
      // and that before it knew of it: as if it had not had it
      else if ((cause as Partial<Error> | undefined)?.name === 'AbortError') return how.steal ? undefined : ask(how);
      else if (member.isFollowing) hand(gate, 'the browser forbids locks');
      else {
        leave();
        goAlone(voter);
      }
    }
  }
}

/** @returns what ends it when another tab has taken the lock */
function openOffice(voter: Voter, line: Line, release: () => void): () => void {
  const { group, offices } = voter;
  const hubs = new Map<string, Hub>();
  const office: Office = (candidate) => {
    const id = systemIds();
    for (const hub of hubs.values()) hub.retire();
    const hub = dial(candidate, 'leader', id, line.post);
    if (hub) hubs.set(id, hub);
    onAbort(candidate.gate.signal, () => {
      hubs.delete(id);
      if (hubs.size) return;
      offices.delete(group);
      line.close();
      release();
    });
  };
  line.hear = (message) => {
    // whoever looks for a leader is for the newest connection
    const to = message.to ?? [...hubs.keys()].at(-1);
    if (to !== undefined) hubs.get(to)?.take(message);
  };
  line.post({ kind: 'lead', from: '' });
  offices.set(group, office);
  office(voter);
  return () => {
    for (const { gate } of [...hubs.values()]) hand(gate, 'another tab leads now');
  };
}

function dial({ transport, request, gate, play }: Candidate, role: TabRole, id: string, post: Line['post']): Hub | undefined {
  if (gate.signal.aborted) return undefined;
  try {
    const hub = openHub(transport, request, gate, id, post);
    play(role, hub);
    return hub;
  } catch (cause) {
    gate.fail('unsupported', `the transport ${gate.transport} broke while it dialled`, { cause });
    return undefined;
  }
}

/** Ends a link whose connection goes on in another tab. */
function hand(gate: LinkGate, message: string): void {
  gate.fail('lost', message, { handover: true });
}
