import { inspect } from 'node:util';
import { expect } from 'vitest';
import { exportJson } from '../../src/devtools/export.ts';
import { type JournalEntry, keepJournal } from '../../src/devtools/journal.ts';
import { viewOf } from '../../src/devtools/view.ts';
import type { RealtimeManager } from '../../src/index.ts';
import { combineProbes, type LogLine, logger, monitor } from '../../src/monitor/monitor.ts';
import type { Probe } from '../../src/monitor/probe.ts';

/** Every text that a value can be shown as: inspected to the bottom, as JSON, and each error of a chain by itself. */
function textsOf(value: unknown): string[] {
  const texts = [inspect(value, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null })];
  const json = JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Error ? { ...inner, message: inner.message, stack: inner.stack, cause: inner.cause } : inner,
  );
  texts.push(json ?? '');
  let error = value;
  for (let depth = 0; depth < 10 && error instanceof Error; depth += 1) {
    texts.push(error.message, error.stack ?? '', String(error), JSON.stringify(error));
    error = error.cause;
  }
  return texts;
}

/** Follows all that a manager shows of itself. */
export interface Lookout {
  /** For `createRealtime`. */
  readonly probe: Probe;
  /** Begins; call it before anything happens. */
  follow(realtime: RealtimeManager): void;
  /** One more value that users or logs get to see. */
  saw(value: unknown): void;
  /** How many values were seen. */
  readonly count: number;
  /** Fails when a secret can be read in anything that was seen. */
  expectNone(secrets: readonly string[]): void;
}

/** Makes a {@link Lookout} with the monitor, the log at its most talkative, and the export of the devtools. */
export function lookout(): Lookout {
  const watch = monitor();
  const lines: LogLine[] = [];
  const seen: unknown[] = [];
  let realtime: RealtimeManager | undefined;
  let journal: readonly JournalEntry[] = [];
  const ended = new AbortController();
  const raw = {
    note: (event: unknown) => void seen.push(event),
  };

  return {
    probe: combineProbes(watch, logger({ level: 'debug', sink: (line) => lines.push(line) }), raw),
    follow(manager) {
      realtime = manager;
      keepJournal(
        manager,
        () => new Date(0),
        (entries) => {
          journal = entries;
        },
        ended.signal,
      );
      for (const name of ['fault', 'gap', 'invalid', 'late', 'status', 'switched', 'identity'] as const) {
        manager.on(name, (value) => seen.push(value));
      }
      manager.history.subscribe((decisions) => seen.push(decisions));
      manager.outbox.entries.subscribe((entries) => seen.push(entries));
    },
    saw: (value) => void seen.push(value),
    get count() {
      return seen.length;
    },
    expectNone(secrets) {
      if (!realtime) throw new Error('nobody was followed');
      const view = viewOf(realtime, watch.snapshot.get(), 0);
      const everything = [...seen, lines, realtime, realtime.metrics(), watch.snapshot.get(), exportJson(view, journal, [])];
      const texts = everything.flatMap(textsOf);
      for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([]);
      ended.abort();
    },
  };
}
