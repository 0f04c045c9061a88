import { expect, test } from 'vitest';
import { mergeMembers } from '../../src/channel/members.ts';
import type { PresenceFrame, PresenceMember } from '../../src/protocol/frame.ts';

const frame = (more: Partial<PresenceFrame>): PresenceFrame => ({
  kind: 'presence',
  channel: 'lobby',
  sync: false,
  members: [],
  ...more,
});
const member = (key: string, data?: unknown): PresenceMember => ({ key, data });
const keys = (members: readonly PresenceMember[]): string[] => members.map(({ key }) => key);
const many = (count: number) => Array.from({ length: count }, (_, index) => member(`m${index}`));

test('a sync says who is there, and forgets everybody else', () => {
  expect(mergeMembers([member('a'), member('b')], frame({ sync: true, members: [member('c')] }))).toEqual([member('c')]);
  expect(mergeMembers([member('a')], frame({ sync: true }))).toEqual([]);
});

test('a change adds who came and takes who went', () => {
  const members = mergeMembers([member('a'), member('b')], frame({ members: [member('c')], gone: ['a', 'nobody'] }));
  expect(keys(members)).toEqual(['b', 'c']);
});

test('a member that says something new keeps its place', () => {
  const members = mergeMembers([member('a', 1), member('b', 1)], frame({ members: [member('a', 2)] }));
  expect(members).toEqual([member('a', 2), member('b', 1)]);
});

test('a member that is named as gone and as there is there', () => {
  expect(mergeMembers([member('a', 1), member('b')], frame({ members: [member('a', 2)], gone: ['a'] }))).toEqual([
    member('b'),
    member('a', 2),
  ]);
});

test('a member is there once, with its last word', () => {
  expect(mergeMembers([], frame({ members: [member('a', 1), member('a', 2)] }))).toEqual([member('a', 2)]);
});

test('the list of before is left as it was', () => {
  const before = [member('a')];
  mergeMembers(before, frame({ members: [member('b')], gone: ['a'] }));
  expect(before).toEqual([member('a')]);
});

test('names like __proto__ are names', () => {
  expect(keys(mergeMembers([], frame({ members: [member('__proto__'), member('constructor')] })))).toEqual([
    '__proto__',
    'constructor',
  ]);
});

test('no more than 10,000 are kept, and those that are may still change and go', () => {
  const full = mergeMembers([], frame({ sync: true, members: many(10_001) }));
  expect(full).toHaveLength(10_000);
  expect(keys(full)).not.toContain('m10000');
  const changed = mergeMembers(full, frame({ members: [member('m5', 'new'), member('late')] }));
  expect(changed[5]).toEqual(member('m5', 'new'));
  expect(changed).toHaveLength(10_000);
  expect(keys(mergeMembers(full, frame({ members: [member('late')], gone: ['m0'] }))).at(-1)).toBe('late');
});
