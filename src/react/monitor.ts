import { type Monitor, type SummaryRow, summary } from 'keepwire/monitor';
import { createElement, type HTMLAttributes, type ReactNode } from 'react';
import { useConnection, useReadable } from './connection.ts';
import { RealtimeStatus } from './status.ts';

/** What {@link RealtimeMonitor} takes: every attribute of a `section`, and what to show. */
export interface RealtimeMonitorProps extends Omit<HTMLAttributes<HTMLElement>, 'children'> {
  /** The monitor that the manager was given as its probe: what it measures is shown too. */
  readonly monitor?: Pick<Monitor, 'snapshot'>;
  /** The title, for screen readers. @defaultValue `Connection` */
  readonly label?: string;
  /** Shows the lines in another way, or in another language by their `name`. @defaultValue a list of terms and values */
  readonly children?: (rows: readonly SummaryRow[]) => ReactNode;
}

/**
 * Shows how the connection is and how it does, without any style: a region with the status, which is a live region, and
 * below it the numbers, which are none, as they change all the time. For more see the devtools.
 *
 * @example
 * ```tsx
 * <RealtimeMonitor monitor={watch} />
 * ```
 */
export function RealtimeMonitor({
  monitor,
  label = 'Connection',
  children = list,
  ...attributes
}: RealtimeMonitorProps): ReactNode {
  const connection = useConnection();
  const snapshot = useReadable(monitor?.snapshot, undefined);
  return createElement(
    'section',
    { 'aria-label': label, 'data-keepwire': 'monitor', 'data-status': connection.status, ...attributes },
    createElement(RealtimeStatus),
    children(summary(connection, snapshot?.counts, snapshot)),
  );
}

function list(rows: readonly SummaryRow[]): ReactNode {
  return createElement(
    'dl',
    null,
    rows.map(({ name, label, text }) =>
      createElement('div', { key: name, 'data-name': name }, createElement('dt', null, label), createElement('dd', null, text)),
    ),
  );
}
