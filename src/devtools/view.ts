import type { ConnectionStatus, Decision, Metrics, RealtimeManager, Status } from 'keepwire';
import type { MonitorSnapshot } from 'keepwire/monitor';

/** The part of a manager that the panel uses. */
export type DevtoolsManager = Pick<RealtimeManager, 'status' | 'mode' | 'on' | 'metrics' | 'retryNow'> &
  Partial<Pick<RealtimeManager, 'hold' | 'setMode' | 'history' | 'outbox'>>;

/** A send that is not accepted yet, as the panel shows it. */
export interface ShownSend {
  readonly id: string;
  readonly channel: string;
  readonly event: string;
  readonly status: string;
  /** Since when it waits, in milliseconds since the Unix epoch. */
  readonly since: number;
  readonly attempts: number | undefined;
  readonly problem: string | undefined;
}

/** All that the sections show, as of one moment. */
export interface View {
  readonly status: ConnectionStatus;
  readonly mode: string;
  readonly metrics: Readonly<Metrics>;
  readonly snapshot: MonitorSnapshot | undefined;
  readonly decisions: readonly Decision[];
  readonly sends: readonly ShownSend[];
  readonly nowMs: number;
}

/** One page of the panel. */
export interface Section {
  readonly title: string;
  readonly element: HTMLElement;
  /** Called only while the section is to be seen. */
  update(view: View): void;
}

/** Looks at a manager and its monitor. */
export function viewOf(manager: DevtoolsManager, snapshot: MonitorSnapshot | undefined, nowMs: number): View {
  const { history, outbox } = manager;
  return {
    status: manager.status.get(),
    mode: manager.mode.get(),
    metrics: manager.metrics(),
    snapshot,
    decisions: history?.get() ?? snapshot?.decisions ?? [],
    sends: outbox
      ? outbox.entries.get().map(({ error, ...entry }) => ({ ...entry, problem: error?.code }))
      : pendingOf(snapshot?.timeline ?? []),
    nowMs,
  };
}

/** Without a list of the manager: what was queued on the timeline and has no answer there. */
function pendingOf(timeline: MonitorSnapshot['timeline']): ShownSend[] {
  const waiting = new Map<string, ShownSend>();
  for (const entry of timeline) {
    if (entry.kind === 'out') {
      const { id, channel, event, at } = entry;
      waiting.set(id, { id, channel, event, status: 'waiting', since: at, attempts: undefined, problem: undefined });
    } else if (entry.kind === 'accepted' || entry.kind === 'failed') waiting.delete(entry.id);
  }
  return [...waiting.values()];
}

/** A connection that is away for less than this is not worth a change of the badge: 1 second. */
const blipMs = 1_000;

/** The word that the badge shows: short blips are left out, what is good or final is shown at once. */
export function settled(shown: Status, { status, since }: ConnectionStatus, nowMs: number): Status {
  return shown === 'connected' && status === 'reconnecting' && nowMs - since < blipMs ? shown : status;
}

/** The phase of the state machine that a status stands for. */
export function phaseOf({ status, nextRetryAt, holds }: ConnectionStatus): string {
  switch (status) {
    case 'idle':
      return 'idle';
    case 'connected':
      return 'open';
    case 'failed':
      return 'ended';
    case 'disconnected':
      return holds.length > 0 ? 'held' : 'idle';
    case 'connecting':
    case 'reconnecting':
      return nextRetryAt === undefined ? 'connecting' : 'waiting';
  }
}
