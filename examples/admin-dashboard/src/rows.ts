import { type OutboxEntry, type Readable, writable } from 'keepwire';
import { observe } from 'keepwire/vanilla';
import type { Session, SessionStatus } from '../messages.ts';
import type { Desk } from './desk.ts';

/** One line of the table. */
export interface Row {
  readonly session: Session;
  /** What was asked for it and is not accepted. */
  readonly command: OutboxEntry | undefined;
}

/** Which sessions are wanted. */
export interface Filter {
  readonly status: SessionStatus | 'current' | 'all';
  readonly text: string;
}

const ranks: Readonly<Record<SessionStatus, number>> = { waiting: 0, active: 1, ended: 2, archived: 3 };

/** The lines of the table: the sessions that pass the filter, those that wait first. A line that has not changed is the same object. */
export function rowsOf({ sessions, commands }: Desk, filter: Readable<Filter>): Readable<readonly Row[]> {
  const rows = writable<readonly Row[]>([], console.error);
  let before = new Map<number, Row>();

  function gather(): void {
    const { status, text } = filter.get();
    const wanted = text.trim().toLowerCase();
    const orders = new Map(commands.get().map((command) => [sessionOf(command), command]));
    const all = sessions.view.get().items.map(({ item: session }): Row => {
      const command = orders.get(session.id);
      const known = before.get(session.id);
      return known?.session === session && known.command === command ? known : { session, command };
    });
    before = new Map(all.map((row) => [row.session.id, row]));
    const shown = all.filter(
      ({ session }) =>
        (status === 'all' || (status === 'current' ? session.status !== 'archived' : session.status === status)) &&
        `${session.customer} ${session.topic} ${session.agent ?? ''} ${session.id}`.toLowerCase().includes(wanted),
    );
    shown.sort((one, other) => ranks[one.session.status] - ranks[other.session.status] || byTime(one.session, other.session));
    rows.set(shown);
  }

  observe(sessions.view, gather);
  observe(commands, gather);
  observe(filter, gather);
  return rows;
}

/** Who waits longest is first; of those that are over, the last one. */
function byTime(one: Session, other: Session): number {
  const isOver = one.endedAt !== null && other.endedAt !== null;
  const [a, b] = isOver ? [other.endedAt, one.endedAt] : [one.startedAt, other.startedAt];
  return Date.parse(a ?? '') - Date.parse(b ?? '') || one.id - other.id;
}

function sessionOf({ data }: OutboxEntry): number {
  return (data as { readonly session_id: number }).session_id;
}
