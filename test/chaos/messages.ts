import type { Log, News } from '../../examples/server/log.ts';

/** The calls of the log that have an answer. */
export type LogCall = {
  [Name in 'append' | 'read' | 'head' | 'pass']: { readonly name: Name; readonly parameters: Parameters<Log[Name]> };
}['append' | 'read' | 'head' | 'pass'];

/** What the process of the server is told. */
export type ToServer =
  | { readonly kind: 'start'; readonly secret: string }
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'news'; readonly channel: string; readonly news: News }
  | { readonly kind: 'drain'; readonly spreadMs: number }
  | { readonly kind: 'drop-links' }
  | { readonly kind: 'end-links' }
  | { readonly kind: 'forget-sends' }
  | { readonly kind: 'count-links' };

/** What it says. */
export type FromServer =
  | { readonly kind: 'booted' }
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'call'; readonly call: number; readonly request: LogCall }
  | { readonly kind: 'listen'; readonly channel: string; readonly isOn: boolean }
  | { readonly kind: 'links'; readonly count: number };

/** Events that the server of the chaos runs treats in its own way. */
export const refusedEvent = 'refused';
/** Every other one of these is asked to come again. */
export const busyEvent = 'busy';
