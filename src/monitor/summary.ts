import type { ConnectionStatus } from '../connection/status.ts';
import type { Metrics } from './metrics.ts';
import type { MonitorSnapshot } from './snapshot.ts';

/** One line of a {@link summary}. */
export interface SummaryRow {
  /** Names the line, for your own labels. */
  readonly name: SummaryName;
  /** What it is, in English. */
  readonly label: string;
  /** The value with its unit. */
  readonly text: string;
}

/** The lines that a {@link summary} can have. */
export type SummaryName =
  | 'transport'
  | 'mode'
  | 'latency'
  | 'attempt'
  | 'reason'
  | 'holds'
  | 'delivery'
  | 'delivered'
  | 'duplicates'
  | 'gaps'
  | 'waiting'
  | 'reconnects';

const labels: { readonly [Name in SummaryName]: string } = {
  transport: 'Transport',
  mode: 'Mode',
  latency: 'Round trip',
  attempt: 'Failed attempts',
  reason: 'Last end',
  holds: 'Held by',
  delivery: 'Delivery, half and 99 of 100',
  delivered: 'Delivered',
  duplicates: 'Duplicates dropped',
  gaps: 'Gaps',
  waiting: 'Sends waiting',
  reconnects: 'Reconnects',
};

/**
 * What people want to know of a connection, as few lines of text; a line that has nothing to tell is left out.
 *
 * @param status - of the manager
 * @param counts - `manager.metrics()`, or `counts` of a monitor's snapshot
 * @param snapshot - of a monitor, where there is one
 * @example
 * ```ts
 * for (const { label, text } of summary(realtime.status.get(), realtime.metrics())) console.log(`${label}: ${text}`);
 * ```
 */
export function summary(
  status: ConnectionStatus,
  counts?: Readonly<Pick<Metrics, 'delivered' | 'duplicates' | 'gaps'>>,
  snapshot?: Pick<MonitorSnapshot, 'deliveryMs' | 'sendsWaiting' | 'connections'>,
): readonly SummaryRow[] {
  const { p50, p99 } = snapshot?.deliveryMs ?? {};
  const texts: { readonly [Name in SummaryName]: string | number | undefined } = {
    transport: status.transport,
    mode: status.mode,
    latency: shownMs(status.latencyMs),
    attempt: status.attempt || undefined,
    reason: status.reason?.code,
    holds: status.holds.join(', ') || undefined,
    delivery: p50 === undefined ? undefined : `${shownMs(p50)}, ${shownMs(p99)}`,
    delivered: counts?.delivered,
    duplicates: counts?.duplicates,
    gaps: counts?.gaps,
    waiting: snapshot?.sendsWaiting,
    reconnects: snapshot?.connections.reconnects,
  };
  return (Object.keys(labels) as SummaryName[]).flatMap((name) => {
    const text = texts[name];
    return text === undefined ? [] : [{ name, label: labels[name], text: String(text) }];
  });
}

function shownMs(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value < 1000 ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}
