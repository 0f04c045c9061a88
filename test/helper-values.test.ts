import { expect, test } from 'vitest';
import { perChannel } from '../src/adapters/sse.ts';
import { backfill } from '../src/delivery/backfill.ts';
import { indexedDbStorage } from '../src/delivery/indexeddb.ts';
import { logger, monitor, telemetry } from '../src/monitor/monitor.ts';
import { sharedTabs } from '../src/tabs/tabs.ts';
import { scripted } from './support/scripted-transport.ts';

const load = async (): Promise<[]> => [];
const tabs = (options: unknown): unknown => sharedTabs(scripted('wire'), options as never);
const fill = (options: unknown): unknown => backfill(load, options as never);
const store = indexedDbStorage as (options: unknown) => unknown;
const watch = monitor as (options: unknown) => unknown;
const write = logger as (options: unknown) => unknown;
const trace = telemetry as (options: unknown) => unknown;

test.each([
  ['options', () => tabs(undefined)],
  ['key', () => tabs({})],
  ['key', () => tabs({ key: 5 })],
  ['lock', () => tabs({ key: 'k', lock: {} })],
  ['locks', () => tabs({ key: 'k', locks: 'none' })],
  ['BroadcastChannel', () => tabs({ key: 'k', BroadcastChannel: null })],
  ['transport', () => sharedTabs(undefined as never, { key: 'k' })],
  ['options', () => store(undefined)],
  ['user', () => store({})],
  ['user', () => store({ user: '' })],
  ['username', () => store({ user: 'ada', username: 'ada' })],
  ['timeoutMs', () => store({ user: 'ada', timeoutMs: Number.NaN })],
  ['leaseMs', () => store({ user: 'ada', leaseMs: -1 })],
  ['indexedDB', () => store({ user: 'ada', indexedDB: {} })],
  ['locks', () => store({ user: 'ada', locks: 'some' })],
  ['argument', () => backfill(undefined as never)],
  ['options', () => fill(null)],
  ['maxWating', () => fill({ maxWating: 5 })],
  ['maxPages', () => fill({ maxPages: 0 })],
  ['baseMs', () => fill({ baseMs: '5' })],
  ['address', () => perChannel('/stream' as never)],
  ['options', () => watch(null)],
  ['bytes', () => watch({ bytes: true })],
  ['everyMs', () => watch({ everyMs: -1 })],
  ['every', () => watch({ every: 5 })],
  ['level', () => write({ level: 'all' })],
  ['sink', () => write({ sink: console })],
  ['redact', () => write({ redact: 'ada@example.com' })],
  ['redact', () => write({ redact: [undefined] })],
  ['payloads', () => write({ payloads: 'no' })],
  ['options', () => trace(undefined)],
  ['tracer', () => trace({ tracer: {} })],
  ['meter', () => trace({ meter: true })],
  ['receiving', () => trace({ receiving: 0 })],
])('%s in case %# is refused, by name', (name, make) => {
  expect(make).toThrow(
    expect.objectContaining({ name: 'RealtimeError', code: 'invalid-option', message: expect.stringContaining(name) }),
  );
});

test('what is absent has its default', () => {
  expect(fill({ maxPages: undefined, baseMs: 0 })).toBeTypeOf('function');
  expect(write({ level: undefined })).toHaveProperty('note');
  expect(store({ user: 'ada', locks: 'none', name: undefined })).toHaveProperty('open');
});
