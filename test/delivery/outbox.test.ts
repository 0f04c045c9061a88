import { describe, expect, test, vi } from 'vitest';
import { createOutbox } from '../../src/delivery/outbox.ts';
import { defaultOutboxLimits, type OutboxLimits, type SendOptions } from '../../src/delivery/outbox-options.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Receipt } from '../../src/protocol/dialect.ts';
import type { PublishFrame } from '../../src/protocol/frame.ts';
import { manualClock } from '../../src/testing/clock.ts';
import { linkOf } from '../support/outbox-link.ts';

const frame = (id: string, data: unknown = 'x'): PublishFrame => ({ kind: 'publish', id, channel: 'lobby', event: 'move', data });
const accepted = (id: string): Receipt => ({ id, status: 'accepted' });

function setup(limits: Partial<OutboxLimits> = {}) {
  const clock = manualClock();
  const drained: number[] = [];
  const outbox = createOutbox({ ...defaultOutboxLimits, ...limits }, clock, (link) => drained.push(link));
  /** What became of each send, in the order in which it became known. */
  const outcomes: string[] = [];
  const attempt = (id: string, options: SendOptions = {}, data?: unknown): Promise<Receipt> => {
    const sent = outbox.send(frame(id, data), options);
    sent.then(
      ({ status }) => outcomes.push(`${id} ${status}`),
      (error: RealtimeError) => outcomes.push(`${id} ${error.code}`),
    );
    return sent;
  };
  /** The same, where only {@link outcomes} matters. */
  const send = (id: string, options?: SendOptions, data?: unknown): void => void attempt(id, options, data);
  const settle = (): Promise<void> => clock.advance(0);
  return { clock, drained, outbox, outcomes, attempt, send, settle };
}

test('the defaults are the documented ones', () => {
  expect(defaultOutboxLimits).toEqual({
    maxCount: 1_000,
    maxBytes: 1_048_576,
    maxSendBytes: 262_144,
    maxAgeMs: 120_000,
    overflow: 'reject-new',
    windowSize: 256,
    maxFailed: 100,
  });
});

describe('the sends of one tick', () => {
  test.each(['receipt', 'frame', 'none'] as const)('leave together and in order (ack by %s)', async (ack) => {
    const { outbox, send, settle } = setup();
    const { link, ids } = linkOf(1, ack);
    outbox.use(link);
    send('a');
    send('b');
    send('c');
    expect(ids()).toEqual([]);
    await settle();
    expect(ids()).toEqual([['a', 'b', 'c']]);
  });

  test('wait for a link, and leave when there is one', async () => {
    const { outbox, send, settle, clock } = setup();
    send('a');
    await clock.advance(50_000);
    send('b');
    const { link, ids } = linkOf(1);
    outbox.use(link);
    await settle();
    expect(ids()).toEqual([['a', 'b']]);
  });

  test('stay when the link goes before they could leave', async () => {
    const { outbox, send, settle } = setup();
    const { link, ids } = linkOf(1);
    outbox.use(link);
    send('a');
    outbox.use(undefined);
    await settle();
    expect(ids()).toEqual([]);
    expect(outbox.size).toBe(1);
  });
});

describe('with receipts', () => {
  test('the next batch waits for the answer to the one before', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const { link, ids, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    send('b');
    send('c');
    await settle();
    expect(ids()).toEqual([['a']]);
    acceptAll();
    await settle();
    expect(ids()).toEqual([['a'], ['b', 'c']]);
    expect(outcomes).toEqual(['a accepted']);
  });

  test('a receipt is given on whole', async () => {
    const { outbox, attempt, settle } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    const sent = attempt('a');
    await settle();
    const receipt: Receipt = { id: 'a', status: 'accepted', offset: 7, epoch: 'e', data: { ok: true } };
    batches[0]?.resolve([receipt]);
    expect(await sent).toBe(receipt);
  });

  test('each send gets its own, in whatever order they come', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    for (const id of ['a', 'b', 'c']) send(id);
    await settle();
    batches[0]?.resolve([accepted('c'), { id: 'a', status: 'rejected', code: 'E' }, accepted('b'), accepted('stranger')]);
    await settle();
    expect(outcomes.sort()).toEqual(['a rejected', 'b accepted', 'c accepted']);
  });

  test.each([
    ['is left out', []],
    ['says no more than that it left', [{ id: 'a', status: 'sent' } as const]],
  ])('a send whose receipt %s has failed', async (_, receipts) => {
    const { outbox, attempt, settle } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    const sent = attempt('a');
    await settle();
    batches[0]?.resolve(receipts);
    await expect(sent).rejects.toMatchObject({ code: 'protocol', message: expect.stringContaining('move') });
    expect(outbox.size).toBe(0);
  });

  test('no more than the window is under way', async () => {
    const { outbox, send, settle } = setup({ windowSize: 2 });
    const { link, ids, acceptAll } = linkOf(1);
    outbox.use(link);
    for (const id of ['a', 'b', 'c', 'd', 'e']) send(id);
    await settle();
    expect(ids()).toEqual([['a', 'b']]);
    acceptAll();
    await settle();
    acceptAll();
    await settle();
    expect(ids()).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });
});

describe('with acknowledgement frames', () => {
  function frames(limits?: Partial<OutboxLimits>) {
    const parts = setup(limits);
    const carrier = linkOf(1, 'frame');
    parts.outbox.use(carrier.link);
    const leave = async (...ids: string[]): Promise<void> => {
      for (const id of ids) parts.send(id);
      await parts.settle();
      const batch = carrier.batches.at(-1);
      batch?.resolve(batch.ids.map((id) => ({ id, status: 'sent' })));
      await parts.settle();
    };
    return { ...parts, ...carrier, leave };
  }

  test('a send is done with its frame, not with its receipt', async () => {
    const { outbox, leave, outcomes, settle } = frames();
    await leave('a', 'b');
    expect(outcomes).toEqual([]);
    outbox.answered({ kind: 'ack', id: 'b' });
    await settle();
    outbox.answered({ kind: 'ack', id: 'a' });
    await settle();
    expect(outcomes).toEqual(['b accepted', 'a accepted']);
    expect(outbox.size).toBe(0);
  });

  test('what the frame says becomes the receipt', async () => {
    const { outbox, attempt, settle } = frames();
    const sent = attempt('a');
    await settle();
    outbox.answered({ kind: 'ack', id: 'a', offset: 3, epoch: 'e', data: 0 });
    expect(await sent).toMatchObject({ id: 'a', status: 'accepted', offset: 3, epoch: 'e', data: 0 });
  });

  test('a frame may come before the receipt', async () => {
    const { outbox, send, settle, outcomes, batches } = frames();
    send('a');
    await settle();
    outbox.answered({ kind: 'ack', id: 'a' });
    batches[0]?.resolve([{ id: 'a', status: 'sent' }]);
    await settle();
    expect(outcomes).toEqual(['a accepted']);
  });

  test('sends leave without waiting for the answers to those before, up to the window', async () => {
    const { outbox, leave, ids, send, settle } = frames({ windowSize: 3 });
    await leave('a', 'b');
    await leave('c', 'd', 'e');
    expect(ids()).toEqual([['a', 'b'], ['c']]);
    outbox.answered({ kind: 'ack', id: 'a' });
    await settle();
    expect(ids().slice(2)).toEqual([['d']]);
    send('f');
    outbox.answered({ kind: 'ack', id: 'b' });
    outbox.answered({ kind: 'ack', id: 'c' });
    await settle();
    expect(ids().slice(3)).toEqual([['e', 'f']]);
  });

  test('a frame for an id that nobody sent, or that is done, is not heard', async () => {
    const { outbox, leave, outcomes, drained, settle } = frames();
    await leave('a');
    outbox.answered({ kind: 'ack', id: 'stranger' });
    outbox.answered({ kind: 'reject', id: '__proto__', code: 'E' });
    outbox.answered({ kind: 'ack', id: 'a' });
    outbox.answered({ kind: 'ack', id: 'a' });
    outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
    outbox.answered({ kind: 'reject', id: 'a', code: 'E', retryAfterMs: 5 });
    await settle();
    expect(outcomes).toEqual(['a accepted']);
    expect(drained).toEqual([1]);
  });

  test('a rejection fails the send, with what the server said', async () => {
    const { outbox, attempt, settle } = frames();
    const sent = attempt('a');
    await settle();
    outbox.answered({ kind: 'reject', id: 'a', code: 'too-old', message: 'no longer wanted' });
    await expect(sent).rejects.toMatchObject({
      code: 'rejected',
      serverCode: 'too-old',
      message: 'the server rejected move (too-old): no longer wanted',
    });
  });

  test('a rejection without a reason says so', async () => {
    const { outbox, attempt, settle } = frames();
    const sent = attempt('a');
    await settle();
    outbox.answered({ kind: 'reject', id: 'a', code: 'E' });
    await expect(sent).rejects.toThrow('(E): no reason was given');
  });

  test('an acceptance in the receipt counts as well', async () => {
    const { send, settle, batches, outcomes } = frames();
    send('a');
    await settle();
    batches[0]?.resolve([accepted('a')]);
    await settle();
    expect(outcomes).toEqual(['a accepted']);
  });
});

describe('without acknowledgements', () => {
  test('a send is done when it has left', async () => {
    const { outbox, attempt, settle, outcomes } = setup();
    const { link, batches } = linkOf(1, 'none');
    outbox.use(link);
    const sent = attempt('a');
    await settle();
    expect(outcomes).toEqual([]);
    batches[0]?.resolve([]);
    expect(await sent).toEqual({ id: 'a', status: 'sent' });
  });

  test('a rejection in the receipt does not matter to a send that has left for good', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const { link, batches } = linkOf(1, 'none');
    outbox.use(link);
    send('a');
    send('b');
    await settle();
    outbox.linkDown(1);
    batches[0]?.resolve([]);
    await settle();
    // the link went first: nobody knows, so both wait for the next one
    expect(outcomes).toEqual([]);
    expect(outbox.size).toBe(2);
  });
});

describe('a send that the server wants later', () => {
  test('leaves again under the same id, not before the server allows', async () => {
    const { outbox, send, clock, settle, attempt } = setup();
    const { link, ids, batches, acceptAll } = linkOf(1);
    outbox.use(link);
    const sent = attempt('a');
    await settle();
    batches[0]?.resolve([{ id: 'a', status: 'rejected', code: 'busy', retryAfterMs: 5_000 }]);
    await settle();
    send('b');
    await clock.advance(4_999);
    expect(ids()).toEqual([['a']]);
    await clock.advance(1);
    expect(ids()).toEqual([['a'], ['a', 'b']]);
    acceptAll();
    expect(await sent).toEqual(accepted('a'));
    expect(clock.pending).toBe(0);
  });

  test('waits at least 250 ms, doubling up to 10 s, until one is accepted', async () => {
    const { outbox, send, clock, settle } = setup();
    const { link, batches, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    const waits: number[] = [];
    const refuse = async (): Promise<void> => {
      const { length } = batches;
      batches.at(-1)?.resolve([{ id: 'a', status: 'rejected', retryAfterMs: 0 }]);
      await settle();
      const start = clock.now();
      while (batches.length === length) await clock.advance(clock.dueIn()[0] ?? 0);
      waits.push(clock.now() - start);
    };
    for (let turn = 0; turn < 8; turn++) await refuse();
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    acceptAll();
    await settle();
    send('a');
    await settle();
    waits.length = 0;
    await refuse();
    expect(waits).toEqual([250]);
  });

  test('also where the server says so by a frame', async () => {
    const { outbox, send, clock, settle } = setup();
    const { link, ids } = linkOf(1, 'frame');
    outbox.use(link);
    send('a');
    await settle();
    outbox.answered({ kind: 'reject', id: 'a', code: 'busy', retryAfterMs: 0 });
    await clock.advance(249);
    expect(ids()).toEqual([['a']]);
    await clock.advance(1);
    expect(ids()).toEqual([['a'], ['a']]);
  });

  test('does not wait on a new link', async () => {
    const { outbox, send, clock, settle } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    outbox.use(first.link);
    send('a');
    await settle();
    first.batches[0]?.resolve([{ id: 'a', status: 'rejected', retryAfterMs: 60_000 }]);
    await settle();
    outbox.use(second.link);
    await settle();
    expect(second.ids()).toEqual([['a']]);
    second.acceptAll();
    await settle();
    expect(clock.pending).toBe(0);
  });
});

describe('a batch that could not be sent', () => {
  test('leaves again under the same ids after a pause, in order, with a pause that grows', async () => {
    const { outbox, send, clock, settle, outcomes } = setup();
    const { link, ids, batches } = linkOf(1);
    outbox.use(link);
    send('a');
    send('b');
    await settle();
    batches[0]?.reject(new RealtimeError('connection-lost', 'cut'));
    await settle();
    send('c');
    await clock.advance(249);
    expect(ids()).toEqual([['a', 'b']]);
    await clock.advance(1);
    expect(ids()).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    batches[1]?.reject(new TypeError('not one of ours'));
    await clock.advance(499);
    expect(batches).toHaveLength(2);
    await clock.advance(1);
    expect(batches).toHaveLength(3);
    expect(outcomes).toEqual([]);
  });

  test.each(['too-large', 'unsupported'] as const)('fails when it is %s: it would fail again', async (code) => {
    const { outbox, attempt, settle } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    const sent = attempt('a');
    await settle();
    const error = new RealtimeError(code, 'no');
    batches[0]?.reject(error);
    await expect(sent).rejects.toBe(error);
    expect(outbox.size).toBe(0);
  });

  test('the end of the pause is forgotten with close', async () => {
    const { outbox, send, settle, clock, outcomes } = setup();
    const { link, batches } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    batches[0]?.reject(new RealtimeError('connection-lost', 'cut'));
    await settle();
    expect(clock.pending).toBe(2);
    outbox.close(new RealtimeError('closed', 'over'));
    await settle();
    expect([clock.pending, outcomes]).toEqual([0, ['a closed']]);
  });
});

describe('when a link breaks', () => {
  test('what was under way leaves again on the next one, under the same ids and in order', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    outbox.use(first.link);
    send('a');
    send('b');
    await settle();
    send('c');
    outbox.linkDown(1);
    first.batches[0]?.reject(new RealtimeError('connection-lost', 'cut'));
    await settle();
    expect(outcomes).toEqual([]);
    outbox.use(second.link);
    send('d');
    await settle();
    expect(second.ids()).toEqual([['a', 'b', 'c', 'd']]);
    second.acceptAll();
    await settle();
    expect(outcomes).toEqual(['a accepted', 'b accepted', 'c accepted', 'd accepted']);
  });

  test('nothing more is sent on it', async () => {
    const { outbox, send, settle } = setup();
    const { link, ids } = linkOf(1);
    outbox.use(link);
    outbox.linkDown(1);
    send('a');
    await settle();
    expect(ids()).toEqual([]);
  });

  test('the failure of its batch is not held against the next link', async () => {
    const { outbox, send, settle, clock } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    outbox.use(first.link);
    send('a');
    await settle();
    outbox.linkDown(1);
    first.batches[0]?.reject(new RealtimeError('connection-lost', 'cut'));
    await settle();
    outbox.use(second.link);
    await settle();
    expect(second.ids()).toEqual([['a']]);
    // the deadline of the send is all that waits
    expect(clock.pending).toBe(1);
  });

  test('an acceptance that comes late is heard, and the send is not settled twice', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    outbox.use(first.link);
    send('a');
    await settle();
    outbox.linkDown(1);
    outbox.use(second.link);
    await settle();
    first.acceptAll();
    await settle();
    expect(outcomes).toEqual(['a accepted']);
    second.batches[0]?.resolve([{ id: 'a', status: 'rejected', code: 'duplicate' }]);
    await settle();
    expect(outcomes).toEqual(['a accepted']);
    expect(outbox.size).toBe(0);
  });

  test('an answer of the old link that lacks a send does not fail it on the new one', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const [first, second] = [linkOf(1), linkOf(2)];
    outbox.use(first.link);
    send('a');
    await settle();
    outbox.linkDown(1);
    outbox.use(second.link);
    await settle();
    first.batches[0]?.resolve([]);
    await settle();
    expect(outcomes).toEqual([]);
    second.acceptAll();
    await settle();
    expect(outcomes).toEqual(['a accepted']);
  });

  test('the end of a link that is not in use changes nothing', async () => {
    const { outbox, send, settle } = setup();
    const { link, ids } = linkOf(2);
    outbox.use(link);
    outbox.linkDown(1);
    send('a');
    await settle();
    expect(ids()).toEqual([['a']]);
  });
});

describe('when a link is replaced', () => {
  test('the new one waits for the answers on the old one, or the order would be lost', async () => {
    const { outbox, send, settle, drained, outcomes } = setup();
    const [first, second] = [linkOf(1, 'frame'), linkOf(2, 'frame')];
    outbox.use(first.link);
    send('a');
    send('b');
    await settle();
    outbox.use(second.link);
    send('c');
    await settle();
    expect(second.ids()).toEqual([]);
    expect(outbox.isBusy(1)).toBe(true);
    expect(outbox.isBusy(2)).toBe(false);
    outbox.answered({ kind: 'ack', id: 'a' });
    await settle();
    expect(second.ids()).toEqual([]);
    expect(drained).toEqual([]);
    outbox.answered({ kind: 'ack', id: 'b' });
    await settle();
    expect(drained).toEqual([1]);
    expect(second.ids()).toEqual([['c']]);
    expect(outbox.isBusy(1)).toBe(false);
    expect(outcomes).toEqual(['a accepted', 'b accepted']);
  });

  test('what the old one did not answer leaves again on the new one when the old one goes', async () => {
    const { outbox, send, settle } = setup();
    const [first, second] = [linkOf(1, 'frame'), linkOf(2, 'frame')];
    outbox.use(first.link);
    send('a');
    send('b');
    await settle();
    outbox.use(second.link);
    outbox.answered({ kind: 'ack', id: 'a' });
    outbox.linkDown(1);
    await settle();
    expect(second.ids()).toEqual([['b']]);
  });

  test('a link is drained once each time that its last send is settled, however that comes', async () => {
    const { outbox, send, settle, drained, clock } = setup();
    const { link } = linkOf(1, 'frame');
    const controller = new AbortController();
    outbox.use(link);
    send('never');
    controller.abort();
    await settle();
    expect(drained).toEqual([]);
    outbox.answered({ kind: 'ack', id: 'never' });
    expect(drained).toEqual([1]);
    send('late', { timeoutMs: 10 });
    const abort = new AbortController();
    send('aborted', { signal: abort.signal });
    await clock.advance(10);
    expect(drained).toEqual([1]);
    abort.abort();
    expect(drained).toEqual([1, 1]);
    await settle();
    expect(drained).toEqual([1, 1]);
  });

  test('a send that never left drains nothing', async () => {
    const { outbox, send, drained, clock } = setup();
    send('a', { timeoutMs: 10 });
    await clock.advance(10);
    outbox.close(new RealtimeError('closed', 'over'));
    expect(drained).toEqual([]);
  });
});

describe('a send whose time is over', () => {
  test('fails after 120 s, whether there was a link or not', async () => {
    const { outbox, send, clock, outcomes } = setup();
    send('waiting');
    await clock.advance(119_999);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual(['waiting expired']);
    expect([outbox.size, clock.pending]).toEqual([0, 0]);
  });

  test('fails after its own time where it has one', async () => {
    const { attempt, clock } = setup({ maxAgeMs: 5_000 });
    const sent = attempt('a', { timeoutMs: 100 });
    sent.catch(() => {});
    await clock.advance(100);
    await expect(sent).rejects.toMatchObject({
      code: 'expired',
      message: 'publishing move was not accepted within 100 ms',
      hint: expect.stringContaining('not left'),
    });
  });

  test('says that it may have been applied when it has left', async () => {
    const { outbox, attempt, clock, settle } = setup();
    const { link } = linkOf(1);
    outbox.use(link);
    const sent = attempt('a', { timeoutMs: 100 });
    sent.catch(() => {});
    await settle();
    await clock.advance(100);
    await expect(sent).rejects.toMatchObject({ code: 'expired', hint: expect.stringContaining('may still apply') });
  });

  test('lets the others through', async () => {
    const { outbox, send, clock, settle } = setup();
    const { link, ids } = linkOf(1);
    outbox.use(link);
    send('a', { timeoutMs: 100 });
    await settle();
    send('b');
    await clock.advance(100);
    expect(ids()).toEqual([['a'], ['b']]);
  });

  test('has no deadline left once it was answered', async () => {
    const { outbox, send, clock, settle, outcomes } = setup();
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    send('a');
    await settle();
    acceptAll();
    await settle();
    expect(clock.pending).toBe(0);
    await clock.advance(200_000);
    expect(outcomes).toEqual(['a accepted']);
  });
});

describe('a send that is aborted', () => {
  test('before it began is not queued', async () => {
    const { outbox, attempt, clock } = setup();
    await expect(attempt('a', { signal: AbortSignal.abort('no') })).rejects.toMatchObject({
      code: 'aborted',
      message: 'publishing move was aborted',
      cause: 'no',
    });
    expect([outbox.size, clock.pending]).toEqual([0, 0]);
  });

  test('while it waits never leaves', async () => {
    const { outbox, send, settle, clock, attempt } = setup();
    const controller = new AbortController();
    const sent = attempt('a', { signal: controller.signal });
    send('b');
    controller.abort('no');
    await expect(sent).rejects.toMatchObject({ code: 'aborted', cause: 'no' });
    const { link, ids } = linkOf(1);
    outbox.use(link);
    await settle();
    expect(ids()).toEqual([['b']]);
    expect(clock.pending).toBe(1);
  });

  test('after it left is given up, and its answer is not heard', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const { link, ids, acceptAll } = linkOf(1);
    const controller = new AbortController();
    outbox.use(link);
    send('a', { signal: controller.signal });
    await settle();
    controller.abort();
    send('b');
    await settle();
    expect(outcomes).toEqual(['a aborted']);
    expect(ids()).toEqual([['a'], ['b']]);
    acceptAll(0);
    await settle();
    expect(outcomes).toEqual(['a aborted']);
  });

  test('after it was answered is answered', async () => {
    const { outbox, send, settle, outcomes } = setup();
    const { link, acceptAll } = linkOf(1);
    const controller = new AbortController();
    const removeListener = vi.spyOn(controller.signal, 'removeEventListener');
    outbox.use(link);
    send('a', { signal: controller.signal });
    await settle();
    acceptAll();
    await settle();
    expect(removeListener).toHaveBeenCalled();
    controller.abort();
    await settle();
    expect(outcomes).toEqual(['a accepted']);
  });
});

describe('the bounds', () => {
  test('of the count refuse a send too many, and take one when there is room again', async () => {
    const { outbox, send, settle, outcomes, clock, attempt } = setup({ maxCount: 2 });
    send('a');
    send('b');
    await expect(attempt('c')).rejects.toMatchObject({
      code: 'queue-full',
      message: expect.stringContaining('2 sends'),
    });
    expect([outbox.size, clock.pending]).toEqual([2, 2]);
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    await settle();
    acceptAll();
    await settle();
    send('d');
    expect(outbox.size).toBe(1);
    expect(outcomes).toEqual(['c queue-full', 'a accepted', 'b accepted']);
  });

  test('of the size count the characters of each send as JSON', async () => {
    const { length } = JSON.stringify(frame('a', 'x'));
    const { outbox, send, settle, outcomes } = setup({ maxBytes: 2 * length });
    send('a');
    send('b');
    send('c', {}, '');
    await settle();
    expect(outcomes).toEqual(['c queue-full']);
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    await settle();
    acceptAll();
    await settle();
    // the room of what was accepted is free again, to the last character
    send('d');
    send('e');
    expect(outbox.size).toBe(2);
  });

  test('of the count drop the oldest that has not left, where they are told to', async () => {
    const { outbox, send, settle, outcomes } = setup({ maxCount: 2, overflow: 'drop-oldest' });
    send('a');
    send('b');
    send('c');
    await settle();
    expect(outcomes).toEqual(['a queue-full']);
    const { link, ids } = linkOf(1, 'frame');
    outbox.use(link);
    await settle();
    expect(ids()).toEqual([['b', 'c']]);
    // those have left: there is nothing to drop
    send('d');
    await settle();
    expect(outcomes).toEqual(['a queue-full', 'd queue-full']);
  });

  test('of the size drop as many as are needed, where they are told to', async () => {
    const { length } = JSON.stringify(frame('a', 'x'));
    const { send, settle, outcomes, outbox } = setup({ maxBytes: 3 * length, overflow: 'drop-oldest' });
    for (const id of ['a', 'b', 'c']) send(id);
    send('d', {}, 'x'.repeat(length + 1));
    await settle();
    expect(outcomes).toEqual(['a queue-full', 'b queue-full']);
    expect(outbox.size).toBe(2);
  });

  test('of the count are not passed by dropping one when there is room', async () => {
    const { send, settle, outcomes } = setup({ maxCount: 3, overflow: 'drop-oldest' });
    for (const id of ['a', 'b', 'c']) send(id);
    await settle();
    expect(outcomes).toEqual([]);
  });

  test.each([
    ['a bigint', 1n],
    [
      'a circle',
      (() => {
        const circle: Record<string, unknown> = {};
        circle['self'] = circle;
        return circle;
      })(),
    ],
    [
      'one that throws',
      {
        toJSON() {
          throw new Error('no');
        },
      },
    ],
  ])('refuse data that is no JSON: %s', async (_, data) => {
    const { outbox, attempt, clock } = setup();
    await expect(attempt('a', {}, data)).rejects.toMatchObject({ code: 'invalid-payload', cause: expect.any(Error) });
    expect([outbox.size, clock.pending]).toEqual([0, 0]);
  });

  test('refuse a second send under an id that is under way, and leave the first alone', async () => {
    const { outbox, send, settle, outcomes, attempt } = setup({ maxCount: 1, overflow: 'drop-oldest' });
    send('a');
    await expect(attempt('a')).rejects.toMatchObject({ code: 'invalid-option' });
    const { link, acceptAll } = linkOf(1);
    outbox.use(link);
    await settle();
    acceptAll();
    await settle();
    expect(outcomes).toEqual(['a invalid-option', 'a accepted']);
    send('a');
    expect(outbox.size).toBe(1);
  });
});

describe('close', () => {
  test('fails everything that waits or is under way, and leaves no timer', async () => {
    const { outbox, send, settle, outcomes, clock } = setup({ windowSize: 1 });
    const { link, acceptAll, ids } = linkOf(1);
    outbox.use(link);
    send('a');
    send('b');
    await settle();
    outbox.close(new RealtimeError('closed', 'over'));
    outbox.close(new RealtimeError('closed', 'again'));
    await settle();
    acceptAll();
    await settle();
    expect(outcomes).toEqual(['a closed', 'b closed']);
    expect([outbox.size, clock.pending]).toEqual([0, 0]);
    expect(ids()).toEqual([['a']]);
  });
});

test('over any number of links every send is accepted once, and none is lost or overtaken', async () => {
  const { outbox, send, settle, outcomes, clock } = setup({ windowSize: 4 });
  /** What the server applied, once per id. */
  const applied: string[] = [];
  let seed = 20_261_120;
  const chance = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const ids = Array.from({ length: 200 }, (_, index) => `s${index}`);
  let next = 0;
  let rounds = 0;
  for (; outcomes.length < ids.length && rounds < 2_000; rounds++) {
    const { link, batches } = linkOf(rounds, chance() < 0.5 ? 'frame' : 'receipt');
    outbox.use(link);
    let seen = 0;
    for (let step = 0; step < 6; step++) {
      for (let count = Math.floor(chance() * 4); count > 0 && next < ids.length; count--) send(ids[next++] as string);
      await settle();
      for (const batch of batches.slice(seen)) {
        seen += 1;
        const outcome = chance();
        if (outcome < 0.2) {
          batch.reject(new RealtimeError('connection-lost', 'cut'));
          // a carrier that keeps the order itself does not lose one batch and carry the next
          if (link.ack === 'frame') outbox.linkDown(rounds);
          await clock.advance(10_000);
          if (link.ack === 'frame') break;
          continue;
        }
        for (const id of batch.ids) if (!applied.includes(id)) applied.push(id);
        // applied, and the answer is lost with the link
        if (outcome < 0.4) continue;
        if (link.ack === 'receipt') batch.resolve(batch.ids.map(accepted));
        else for (const id of batch.ids) outbox.answered({ kind: 'ack', id });
        await settle();
      }
    }
    outbox.linkDown(rounds);
  }
  expect(rounds).toBeLessThan(2_000);
  expect(applied).toEqual(ids);
  expect(outcomes).toEqual(ids.map((id) => `${id} accepted`));
  expect([outbox.size, clock.pending]).toEqual([0, 0]);
});

test('a send that was answered by a frame stays accepted when its batch fails after that', async () => {
  const { outbox, clock } = setup();
  let fail: (error: Error) => void = () => {};
  const statuses: string[] = [];
  outbox.use({ id: 1, ack: 'receipt', send: () => new Promise((_, reject) => (fail = reject)) });
  const sent = outbox.send(frame('a'), { tell: (status) => statuses.push(status) });
  await clock.advance(0);
  outbox.answered({ kind: 'ack', id: 'a' });
  await sent;
  fail(new Error('the answer was cut off'));
  await clock.advance(0);
  expect(statuses).toEqual(['queued', 'sending', 'accepted']);
});

test('a batch that the server puts off as a whole leaves again as a whole, after one pause', async () => {
  const { outbox, clock, send, outcomes } = setup();
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const batches: string[][] = [];
  outbox.use({
    id: 1,
    ack: 'receipt',
    async send(frames) {
      const left = frames.flatMap((each) => (each.kind === 'publish' ? [each.id] : []));
      const isFull = batches.push(left) < 3;
      return left.map((id) => (isFull ? { id, status: 'rejected', code: '503', retryAfterMs: 0 } : accepted(id)));
    },
  });
  for (const id of ids) send(id);
  await clock.advance(0);
  await clock.advance(250);
  await clock.advance(500);
  expect(batches).toEqual([ids, ids, ids]);
  expect(outcomes).toEqual(ids.map((id) => `${id} accepted`));
});
