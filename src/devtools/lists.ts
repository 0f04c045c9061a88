import type { Distribution } from 'keepwire/monitor';
import { make, makeGrid, setText, shownMs } from './dom.ts';
import type { Section } from './view.ts';

/** What is said where only a monitor knows. */
const needsMonitor = 'Give createRealtime a probe, monitor() of keepwire/monitor, and the panel its monitor, to see this.';

/** How each transport does, and why which one was chosen. */
export function makeRoutes(): Section {
  const health = makeGrid('Transports', ['transport', 'now', 'attempts', 'opened', 'failed']);
  const why = makeGrid('Decisions, newest first', ['time', 'what', 'transport', 'reason']);
  const switched = make('p', { class: 'now' });
  return {
    title: 'Routes',
    element: make('div', {}, switched, health.element, why.element),
    update({ status, mode, snapshot, decisions }) {
      setText(switched, `Wanted: ${mode} · now: ${status.transport ?? 'none'}`);
      const { blocked } = status;
      health.show(
        Object.entries(snapshot?.connections.transports ?? {}).map(([name, { attempts, opened, failed, active }]) => {
          const isUsed = name === status.transport && status.status === 'connected';
          const now = isUsed ? 'in use' : blocked.includes(name) ? 'set aside' : active > 0 ? 'up' : '–';
          return [name, now, String(attempts), String(opened), String(failed)];
        }),
        snapshot === undefined ? needsMonitor : 'Nothing was dialled yet.',
      );
      why.show(
        decisions
          .slice(-30)
          .reverse()
          .map(({ at, what, transport = '', reason }) => [new Date(at).toLocaleTimeString(), what, transport, reason]),
        'No decision was noted.',
      );
    },
  };
}

/** The channels, and who is in them. */
export function makeChannels(tabs: { readonly role: string | undefined } | undefined): Section {
  const grid = makeGrid('Channels', ['channel', 'state', 'number', 'events', 'repeats', 'gaps', 'members']);
  const role = make('p', { class: 'now', hidden: '' });
  return {
    title: 'Channels',
    element: make('div', {}, role, grid.element),
    update({ snapshot }) {
      role.hidden = tabs === undefined;
      const words = { leader: 'This tab leads: it holds the connection for all tabs.' } as Readonly<Record<string, string>>;
      const said = tabs?.role === undefined ? 'It is not decided yet which tab leads.' : `This tab is a ${tabs.role}.`;
      setText(role, words[tabs?.role ?? ''] ?? said);
      grid.show(
        (snapshot?.channels ?? []).map(({ name, status, offset, events, duplicates, gaps, members }) => [
          name,
          status,
          offset === undefined ? '–' : String(offset),
          String(events),
          String(duplicates),
          String(gaps),
          members.length === 0 ? '–' : `${members.length}: ${members.join(', ')}`,
        ]),
        snapshot === undefined ? needsMonitor : 'No channel was joined yet.',
      );
    },
  };
}

/** What waits to be accepted. */
export function makeOutbox(): Section {
  const grid = makeGrid('Outbox', ['event', 'channel', 'state', 'waits', 'attempts', 'problem']);
  return {
    title: 'Outbox',
    element: grid.element,
    update({ sends, nowMs }) {
      grid.show(
        sends.map(({ event, channel, status, since, attempts, problem }) => [
          event,
          channel,
          status,
          shownMs(Math.max(0, nowMs - since)),
          attempts === undefined ? '–' : String(attempts),
          problem ?? '–',
        ]),
        'Nothing waits.',
      );
    },
  };
}

const measures = {
  connectMs: 'connect',
  reconnectMs: 'reconnect',
  roundTripMs: 'round trip',
  deliveryMs: 'delivery',
  handlingMs: 'handlers',
  acceptMs: 'acceptance',
} as const;

/** What was counted and measured. */
export function makeNumbers(): Section {
  const grid = makeGrid('Times', ['', 'count', 'half', '90 %', '99 %', 'most']);
  const counters = make('dl');
  const clock = make('p', { class: 'now', hidden: '' });
  return {
    title: 'Numbers',
    element: make('div', {}, counters, grid.element, clock),
    update({ metrics, snapshot }) {
      const errors = Object.entries(snapshot?.errors ?? {}).map(([code, count]) => [`error ${code}`, count] as const);
      const memory = (snapshot?.memory ?? []).map(({ name, used, limit }) => [name, `${used} of ${limit}`] as const);
      const bytes = snapshot?.bytes ? Object.entries(snapshot.bytes).map(([way, count]) => [`bytes ${way}`, count] as const) : [];
      showPairs(counters, [...Object.entries(metrics), ...errors, ...memory, ...bytes]);
      grid.show(
        Object.entries(measures).flatMap(([key, name]) => {
          const { count, p50, p90, p99, max } = (snapshot as unknown as Record<string, Distribution>)?.[key] ?? { count: 0 };
          return count === 0 ? [] : [[name, String(count), ...[p50, p90, p99, max].map(shownMs)]];
        }),
        snapshot === undefined ? needsMonitor : 'Nothing was measured yet.',
      );
      clock.hidden = snapshot?.clock === undefined;
      if (!snapshot?.clock) return;
      const { offsetMs, uncertaintyMs } = snapshot.clock;
      const sure = uncertaintyMs === undefined ? 'of unknown accuracy' : `give or take ${shownMs(uncertaintyMs)}`;
      const ahead = offsetMs < 0 ? 'behind' : 'ahead of';
      setText(clock, `The server's clock is ${shownMs(Math.abs(offsetMs))} ${ahead} ours, ${sure}.`);
    },
  };
}

function showPairs(list: HTMLElement, pairs: readonly (readonly [string, string | number])[]): void {
  while (list.childElementCount > pairs.length) list.lastElementChild?.remove();
  for (const [index, [name, value]] of pairs.entries()) {
    const row = list.children[index] ?? list.appendChild(make('div', {}, make('dt'), make('dd')));
    setText(row.firstElementChild, name);
    setText(row.lastElementChild, String(value));
  }
}
