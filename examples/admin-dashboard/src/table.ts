import type { Readable, RealtimeError } from 'keepwire';
import { bindList, observe } from 'keepwire/vanilla';
import type { Command, SessionStatus } from '../messages.ts';
import type { Desk } from './desk.ts';
import { ago, find, say } from './dom.ts';
import type { Row } from './rows.ts';

const words: Readonly<Record<SessionStatus, string>> = {
  waiting: 'Waiting',
  active: 'Active',
  ended: 'Ended',
  archived: 'Archived',
};
/** What can be done to a session, and what it is called until the server has done it. */
const orders: Readonly<Record<Command, { readonly label: string; readonly pending: string; readonly failed: string }>> = {
  end_session: { label: 'End', pending: 'Ending…', failed: 'Not ended' },
  archive_session: { label: 'Archive', pending: 'Archiving…', failed: 'Not archived' },
};
const nextOrder: Readonly<Record<SessionStatus, Command | undefined>> = {
  waiting: 'end_session',
  active: 'end_session',
  ended: 'archive_session',
  archived: undefined,
};
/** The servers' words for a refusal. */
const reasons: Readonly<Record<string, string>> = {
  still_open: 'end the session before you archive it',
  not_found: 'there is no such session any more',
  unavailable: 'the database does not answer',
};
/** Times are told anew this often, in milliseconds. */
const tickMs = 5_000;

/** Shows the sessions, with what can be done to them. */
export function showTable(body: HTMLElement, rows: Readable<readonly Row[]>, desk: Desk): void {
  const template = find<HTMLTemplateElement>('#row');
  const shown = new Map<HTMLElement, Row>();

  function create(row: Row): HTMLElement {
    const line = find(template.content.firstElementChild?.tagName ?? '', template.content).cloneNode(true) as HTMLElement;
    line.dataset['session'] = String(row.session.id);
    find('.order', line).addEventListener('click', () => give(line));
    find('.retry', line).addEventListener('click', () => {
      const command = shown.get(line)?.command;
      if (command) desk.retry(command);
    });
    find('.dismiss', line).addEventListener('click', () => {
      const command = shown.get(line)?.command;
      if (command) desk.dismiss(command);
      line.focus();
    });
    update(line, row);
    return line;
  }

  function update(line: HTMLElement, row: Row): void {
    const { session, command } = row;
    const before = shown.get(line);
    shown.set(line, row);
    line.dataset['status'] = session.status;
    line.dataset['revision'] = String(session.revision);
    say(find('.customer', line), session.customer);
    say(find('.topic', line), session.topic);
    say(find('.pill', line), words[session.status]);
    say(find('.agent', line), session.agent ?? 'nobody yet');
    say(find('.messages', line), String(session.messages));
    tell(line, row);
    if (before && before.session.revision !== session.revision) flash(line);
    showOrder(line, row, command?.status);
  }

  function showOrder(line: HTMLElement, { session, command }: Row, status = 'none'): void {
    line.dataset['command'] = status;
    const order = nextOrder[session.status];
    const given = command ? orders[command.event as Command] : undefined;
    const isPending = status === 'queued' || status === 'sending';
    const button = find<HTMLButtonElement>('.order', line);
    button.hidden = order === undefined && !isPending;
    // not `disabled`, which would take the focus away
    button.setAttribute('aria-disabled', String(isPending));
    say(button, (isPending ? given?.pending : order && orders[order].label) ?? '');
    const problem = find('.problem', line);
    problem.hidden = status !== 'failed';
    say(find('.why', line), status === 'failed' ? `${given?.failed}: ${reasonOf(command?.error)}.` : '');
  }

  function give(line: HTMLElement): void {
    const row = shown.get(line);
    const order = row && nextOrder[row.session.status];
    if (!order || row.command?.status === 'queued' || row.command?.status === 'sending') return;
    // another try of what has failed is the same order
    if (row.command?.event === order) desk.retry(row.command);
    else desk.run(order, row.session.id);
  }

  function tell(line: HTMLElement, { session }: Row): void {
    const since = session.endedAt ?? session.startedAt;
    const time = find<HTMLTimeElement>('time', line);
    time.dateTime = since;
    say(time, `${ago(since)} ago`);
  }

  bindList(body, rows, { key: ({ session }) => session.id, render: create, update });
  keepFocus(body, rows);
  steer(body, give);
  setInterval(() => {
    for (const line of body.children) {
      const row = shown.get(line as HTMLElement);
      if (row) tell(line as HTMLElement, row);
    }
  }, tickMs);
  observe(rows, () => {
    for (const line of shown.keys()) if (!line.isConnected) shown.delete(line);
  });
}

function reasonOf(error: RealtimeError | undefined): string {
  if (error?.code === 'expired') return 'there was no answer in time';
  return reasons[error?.serverCode ?? ''] ?? error?.message ?? 'it failed';
}

/** Makes a change visible for a moment. */
function flash(line: HTMLElement): void {
  line.getAnimations().forEach((animation) => {
    animation.cancel();
  });
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  line.animate([{ backgroundColor: 'var(--mine)' }, { backgroundColor: 'transparent' }], { duration: 1_200, easing: 'ease-out' });
}

/** When the line with the focus goes away, the one in its place gets it; else the keyboard would begin at the top again. */
function keepFocus(body: HTMLElement, rows: Readable<readonly Row[]>): void {
  let index = -1;
  body.addEventListener('focusin', ({ target }) => {
    index = [...body.children].findIndex((line) => line.contains(target as Node));
  });
  body.addEventListener('focusout', ({ relatedTarget }) => {
    // a line that is taken away gives its focus to nobody
    if (relatedTarget !== null) index = -1;
  });
  observe(rows, () => {
    if (index < 0 || document.activeElement !== document.body) return;
    const line = body.children[Math.min(index, body.children.length - 1)] as HTMLElement | undefined;
    line?.focus();
  });
}

/** Arrow keys go from line to line; Enter does what the button of the line does. */
function steer(body: HTMLElement, give: (line: HTMLElement) => void): void {
  body.addEventListener('keydown', (event) => {
    const lines = [...body.children] as HTMLElement[];
    const at = lines.findIndex((line) => line.contains(event.target as Node));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
    if (to !== undefined) {
      lines[Math.min(Math.max(to, 0), lines.length - 1)]?.focus();
      event.preventDefault();
    } else if (event.key === 'Enter' && event.target === lines[at] && lines[at]) {
      give(lines[at]);
    }
  });
}
