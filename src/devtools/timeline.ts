import type { TimelineEntry } from 'keepwire/monitor';
import { make, setAttribute } from './dom.ts';
import type { JournalEntry } from './journal.ts';
import type { Section } from './view.ts';

/** The lanes show so much, in milliseconds. */
const windowMs = 15_000;
/** The list shows so many, newest first. */
const mostRows = 50;

const lanes = ['in', 'out', 'link'] as const;

/** What happened in the last quarter of a minute, in lanes; and the last fifty things as a list. */
export function makeTimeline(journal: () => readonly JournalEntry[]): Section {
  const tracks = new Map(lanes.map((lane) => [lane, make('div', { class: 'track' })]));
  const marks = new Map<number, HTMLElement>();
  const chart = make(
    'div',
    {
      class: 'lanes',
      role: 'img',
      'aria-label': 'The last 15 seconds: events in, sends out, links. The list below says the same.',
    },
    ...[...tracks].flatMap(([lane, track]) => [make('span', { class: 'lane' }, lane), track]),
  );
  const scale = make('p', { class: 'scale', 'aria-hidden': 'true' }, make('span', {}, '15 s ago'), make('span', {}, 'now'));
  const list = make('ol', { tabindex: '0', 'aria-label': 'What happened, newest first' });
  const legend = make(
    'p',
    { class: 'legend', 'aria-hidden': 'true' },
    ...(['in', 'duplicate', 'gap', 'accepted', 'failed', 'out'] as const).map((kind) =>
      make('span', {}, make('i', { class: 'mark', 'data-kind': kind }), kind === 'out' ? 'waits' : kind),
    ),
  );
  let lastRow: unknown;

  /** Marks that stay are moved, not made anew. */
  function place(timeline: readonly TimelineEntry[], nowMs: number): void {
    const decided = new Set(
      timeline.flatMap((entry) => (entry.kind === 'accepted' || entry.kind === 'failed' ? [entry.id] : [])),
    );
    const seen = new Set<number>();
    for (const entry of timeline) {
      const lane = laneOf(entry);
      // a send that was answered is shown by the span of its answer
      if (lane === undefined || (entry.kind === 'out' && decided.has(entry.id))) continue;
      const { fromMs, untilMs } = extentOf(entry, nowMs);
      if (nowMs - untilMs > windowMs) continue;
      seen.add(entry.serial);
      let mark = marks.get(entry.serial);
      if (mark === undefined) {
        mark = make('i', { class: 'mark', 'data-kind': kindOf(entry), title: wordsOf(entry) });
        marks.set(entry.serial, mark);
        tracks.get(lane)?.append(mark);
      }
      const left = Math.max(0, 100 - ((nowMs - fromMs) / windowMs) * 100);
      const right = Math.max(0, 100 - ((nowMs - untilMs) / windowMs) * 100);
      mark.style.setProperty('left', `${left.toFixed(2)}%`);
      mark.style.setProperty('width', `${(right - left).toFixed(2)}%`);
    }
    for (const [serial, mark] of marks) {
      if (seen.has(serial)) continue;
      mark.remove();
      marks.delete(serial);
    }
  }

  return {
    title: 'Timeline',
    element: make('div', {}, chart, scale, legend, list),
    update({ snapshot, nowMs }) {
      for (const part of [chart, scale, legend]) part.hidden = snapshot === undefined;
      if (snapshot) place(snapshot.timeline, nowMs);
      const newest = snapshot ? snapshot.timeline.at(-1) : journal()[0];
      if (newest === lastRow) return;
      lastRow = newest;
      const rows = snapshot
        ? snapshot.timeline
            .slice(-mostRows)
            .reverse()
            .map((entry) => rowOf(new Date(entry.at), kindOf(entry), wordsOf(entry)))
        : journal().map(({ at, kind, text }) => rowOf(at, kind, text));
      list.replaceChildren(...rows);
    },
  };
}

function laneOf({ kind }: TimelineEntry): (typeof lanes)[number] | undefined {
  if (kind === 'in' || kind === 'duplicate' || kind === 'gap') return 'in';
  if (kind === 'out' || kind === 'accepted' || kind === 'failed') return 'out';
  return kind === 'link' ? 'link' : undefined;
}

/** An answer is as long as its send took; a send without one goes on until now. */
function extentOf(entry: TimelineEntry, nowMs: number): { readonly fromMs: number; readonly untilMs: number } {
  if (entry.kind === 'accepted' || entry.kind === 'failed') return { fromMs: entry.at - entry.durationMs, untilMs: entry.at };
  return { fromMs: entry.at, untilMs: entry.kind === 'out' ? nowMs : entry.at };
}

function kindOf(entry: TimelineEntry): string {
  if (entry.kind !== 'link') return entry.kind;
  // that we ended it ourselves is no trouble
  return entry.cause === 'aborted' ? 'ended' : entry.step;
}

function wordsOf(entry: TimelineEntry): string {
  switch (entry.kind) {
    case 'in':
    case 'duplicate':
      return `${entry.event} on ${entry.channel}${entry.offset === undefined ? '' : `, number ${entry.offset}`}`;
    case 'out':
      return `${entry.event} to ${entry.channel}`;
    case 'accepted':
      return `${entry.event} to ${entry.channel} after ${Math.round(entry.durationMs)} ms`;
    case 'failed':
      return `${entry.event} to ${entry.channel}: ${entry.code ?? 'unknown'}`;
    case 'gap':
      return `${entry.channel}: ${entry.missing ?? 'some'} missing, ${entry.reason}`;
    case 'link':
      return `${entry.transport}, link ${entry.link}${entry.cause === undefined ? '' : `: ${entry.cause}`}`;
    case 'status':
      return entry.status;
    case 'switched':
      return `${entry.from} to ${entry.to}`;
    case 'fault':
      return entry.code;
  }
}

function rowOf(at: Date, kind: string, text: string): HTMLElement {
  const time = make('time', { datetime: at.toISOString() }, at.toLocaleTimeString());
  const row = make('li', {}, time, make('b', {}, kind), make('span', {}, text));
  setAttribute(row, 'data-kind', kind);
  return row;
}
