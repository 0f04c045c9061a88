import { redactor, type Secret } from 'keepwire/monitor';
import type { JournalEntry } from './journal.ts';
import type { View } from './view.ts';

/** A text longer than this is cut. */
const longestText = 500;

/**
 * What the panel knows, as JSON for a bug report. Payloads were never in it; tokens, the query of addresses, the keys of members and
 * what was named as a secret are taken out.
 */
export function exportJson(view: View, journal: readonly JournalEntry[], secrets: readonly Secret[]): string {
  const clean = redactor([
    ...secrets,
    /(?<=https?:\/\/[^\s?#]*)[?#][^\s"']*/,
    /(?<=wss?:\/\/[^\s?#]*)[?#][^\s"']*/,
    /\bBearer\s+[\w.~+/-]+=*/i,
  ]);
  const { status, mode, metrics, snapshot, decisions, sends, nowMs } = view;
  const content = {
    at: new Date(nowMs).toISOString(),
    status,
    mode,
    metrics,
    decisions,
    sends,
    journal,
    snapshot: snapshot && {
      ...snapshot,
      status: undefined,
      decisions: undefined,
      // the keys are user ids
      channels: snapshot.channels.map(({ members, ...channel }) => ({ ...channel, members: members.length })),
    },
  };
  const tidy = (_: string, value: unknown): unknown => {
    if (typeof value === 'string') return clean(value).slice(0, longestText);
    // a cause may be anything, and hold anything
    if (value instanceof Error) return { name: value.name, code: (value as { code?: unknown }).code, message: value.message };
    return value;
  };
  return JSON.stringify(content, tidy, 2);
}
