import { type ConnectionStatus, type Decision, type RealtimeManager, writable } from 'keepwire';
import { type Monitor, type SummaryRow, summary } from 'keepwire/monitor';
import { bindList, bindStatus, observe } from 'keepwire/vanilla';

/** What to show for a status. */
export type ElementText = (connection: ConnectionStatus) => string;

/** What an element was given. */
export interface Given {
  readonly manager: Pick<RealtimeManager, 'status' | 'history'> | undefined;
  readonly monitor: Pick<Monitor, 'snapshot'> | undefined;
  readonly text: ElementText | undefined;
}

/** So many decisions are shown. */
const mostDecisions = 5;

/** The badge. */
export function showStatus(root: HTMLElement, { manager, text }: Pick<Given, 'manager' | 'text'>, signal: AbortSignal): void {
  if (!manager) return;
  const badge = root.appendChild(root.ownerDocument.createElement('span'));
  badge.setAttribute('part', 'status');
  bindStatus(badge, manager, { text, signal });
}

/** The badge, the numbers and the decisions. Only the badge is a live region: the rest changes all the time. */
export function showMonitor(root: HTMLElement, given: Given, signal: AbortSignal): void {
  const { manager, monitor } = given;
  if (!manager) return;
  const make = (name: string, ...content: readonly (string | Node)[]): HTMLElement => {
    const node = root.ownerDocument.createElement(name);
    node.append(...content);
    return node;
  };
  root.setAttribute('role', 'region');
  root.setAttribute('aria-label', 'Connection');
  root.setAttribute('part', 'monitor');
  showStatus(root, given, signal);

  const rows = writable<readonly SummaryRow[]>([], reportError);
  const read = (): void => {
    const snapshot = monitor?.snapshot.get();
    rows.set(summary(manager.status.get(), snapshot?.counts, snapshot));
  };
  bindList(root.appendChild(make('dl')), rows, {
    key: ({ name }) => name,
    render: ({ label, text }) => make('div', make('dt', label), make('dd', text)),
    update(row, { text }) {
      const value = row.lastElementChild;
      if (value && value.textContent !== text) value.textContent = text;
    },
    signal,
  });
  observe(manager.status, read, { signal });
  if (monitor) observe(monitor.snapshot, read, { signal });

  const decisions = writable<readonly Decision[]>([], reportError);
  root.append(make('details', make('summary', 'Why'), decisionList()));
  observe(manager.history, (all) => decisions.set(all.slice(-mostDecisions).reverse()), { signal });

  function decisionList(): HTMLElement {
    const list = make('ol');
    bindList(list, decisions, {
      key: ({ at, what, transport, reason }) => [at, what, transport, reason].join(' '),
      render: ({ what, transport, reason }) => make('li', make('b', what), ` ${transport ?? ''} ${reason}`),
      signal,
    });
    return list;
  }
}
