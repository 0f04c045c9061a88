import type { ConnectionStatus, RealtimeManager } from 'keepwire';

/** One thing that happened to a manager. Payloads and tokens are in none. */
export interface JournalEntry {
  readonly at: Date;
  readonly kind: 'status' | 'switched' | 'gap' | 'invalid' | 'fault';
  readonly text: string;
}

/** The entries that are kept. */
const mostEntries = 50;

/**
 * Writes down what happens to a manager.
 *
 * @param changed - called after each new entry, with all of them, newest first
 * @param signal - ends it
 */
export function keepJournal(
  manager: Pick<RealtimeManager, 'on' | 'status'>,
  now: () => Date,
  changed: (entries: readonly JournalEntry[]) => void,
  signal: AbortSignal,
): void {
  let entries: readonly JournalEntry[] = [];
  let lastText = '';
  const add = (kind: JournalEntry['kind'], text: string): void => {
    entries = [{ at: now(), kind, text }, ...entries.slice(0, mostEntries - 1)];
    changed(entries);
  };
  const addStatus = (status: ConnectionStatus): void => {
    const text = describe(status);
    // a status changes with every round trip too
    if (text !== lastText) add('status', text);
    lastText = text;
  };
  addStatus(manager.status.get());
  manager.on('status', addStatus, { signal });
  manager.on('switched', ({ from, to }) => add('switched', `${from} to ${to}`), { signal });
  manager.on('gap', ({ channel, reason, missing }) => add('gap', `${channel}: ${missing ?? 'some'} missing, ${reason}`), {
    signal,
  });
  manager.on('invalid', ({ channel, event, error }) => add('invalid', `${channel} ${event}: ${error.message}`), { signal });
  manager.on('fault', (error) => add('fault', `${error.code}: ${error.message}`), { signal });
}

function describe({ status, transport, attempt, holds, reason }: ConnectionStatus): string {
  const parts = [
    transport === undefined ? status : `${status} over ${transport}`,
    attempt > 0 && status !== 'connected' ? `attempt ${attempt}` : '',
    holds.length > 0 ? `held by ${holds.join(', ')}` : '',
    reason === undefined || status === 'connected' ? '' : reason.message,
  ];
  return parts.filter((part) => part !== '').join('; ');
}
