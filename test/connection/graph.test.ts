import { connectionGraph } from 'keepwire';
import { expect, test } from 'vitest';

test('the graph has every phase, and the ways that the table allows', () => {
  const { phases, edges } = connectionGraph();
  expect([...phases].sort()).toEqual(['connecting', 'ended', 'held', 'idle', 'open', 'waiting']);
  const events = (from: string, to: string): readonly string[] | undefined =>
    edges.find((edge) => edge.from === from && edge.to === to)?.events;
  expect(events('idle', 'connecting')).toEqual(['start']);
  expect(events('connecting', 'open')).toEqual(['up']);
  expect(events('open', 'waiting')).toEqual(['down']);
  expect(events('waiting', 'connecting')).toEqual(expect.arrayContaining(['due', 'wake', 'start']));
  expect(events('open', 'held')).toEqual(['hold']);
  expect(events('held', 'connecting')).toEqual(['release']);
  expect(events('open', 'ended')).toEqual(expect.arrayContaining(['close', 'down']));
  expect(events('ended', 'connecting')).toEqual(['start']);
  expect(events('idle', 'open')).toBeUndefined();
  expect(events('waiting', 'open')).toBeUndefined();
  expect(edges.every(({ from, to }) => from !== to)).toBe(true);
});
