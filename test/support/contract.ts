import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RealtimeError } from '../../src/errors.ts';
import type { Receipt } from '../../src/protocol/dialect.ts';
import type { Position, PublishFrame, ServerFrame } from '../../src/protocol/frame.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { type Dialled, type DialOptions, dial } from './contract-link.ts';
import { type ContractAnswer, type ContractServer, refusalCode, refusedEvent } from './contract-server.ts';

/** The cases that a carrier may be unable to show; the reason is for the reader. */
export interface ContractGaps {
  /** The carrier has no ordinary end, such as a close frame. */
  readonly end?: string;
  /** The carrier cannot be cut. */
  readonly cut?: string;
  /** The carrier cannot say when to come back. */
  readonly retryAfter?: string;
  /** Nothing that arrives on this carrier can be unreadable. */
  readonly garbage?: string;
}

const canary = 'canary-7f3a9c';

/**
 * The contract of section 4 of the design, as a suite: every adapter passes it against a real server on loopback.
 *
 * @param open - opens a server for one case
 * @param gaps - what this carrier cannot show, and why; such a case is left out
 */
export function transportContract(name: string, open: () => Promise<ContractServer>, gaps: ContractGaps = {}): void {
  describe(`transport contract: ${name}`, () => {
    let server: ContractServer;
    let transport: Transport;
    let links: Dialled[] = [];

    beforeEach(async () => {
      server = await open();
      transport = server.transport();
    });

    afterEach(async () => {
      for (const link of links) link.abort();
      links = [];
      await server.close();
    });

    const start = (options?: DialOptions): Dialled => {
      const dialled = dial(transport, options);
      links.push(dialled);
      return dialled;
    };
    const startUp = async (options?: DialOptions): Promise<Dialled> => {
      const dialled = start(options);
      await dialled.sink.isUp();
      return dialled;
    };
    /** A fresh link that has been up and carried something: whatever was on its way to older links has arrived. */
    const barrier = async (): Promise<void> => {
      server.answer('accept');
      const link = await startUp({ client: 'barrier' });
      await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'joined'));
      server.push([event('barrier')]);
      await link.sink.untilEvents(1);
      link.abort();
      await link.sink.isDown();
    };
    const untilFreed = async (link: Dialled): Promise<void> => {
      await server.until(() => server.sockets() === 0);
      expect(link.clock.pending()).toBe(0);
    };

    describe('1 the order of the calls', () => {
      test('up comes first and down last, each once', async () => {
        const link = await startUp();
        server.push([event('one')]);
        await link.sink.untilEvents(1);
        link.abort();
        await barrier();
        const kinds = link.sink.calls.map((call) => call.kind);
        expect(kinds[0]).toBe('up');
        expect(kinds.at(-1)).toBe('down');
        expect(kinds.filter((kind) => kind === 'up' || kind === 'down')).toEqual(['up', 'down']);
      });

      test('nothing comes after down, though the server goes on sending', async () => {
        const link = await startUp();
        server.push([event('one')]);
        link.abort();
        server.push([event('two')]);
        const cause = await link.sink.isDown();
        const callCount = link.sink.calls.length;
        server.push([event('three')]);
        await barrier();
        expect(cause).toEqual({ kind: 'aborted' });
        expect(link.sink.calls).toHaveLength(callCount);
      });

      test('connect returns before the first call, also for a signal that has fired', async () => {
        const live = start();
        expect(live.earlyCalls).toBe(0);
        const dead = start({ aborted: true });
        expect(dead.earlyCalls).toBe(0);
        expect(await dead.sink.isDown()).toEqual({ kind: 'aborted' });
        await live.sink.isUp();
      });

      test('connect returns before the first call on a dead port', async () => {
        await server.close();
        const link = start();
        expect(link.earlyCalls).toBe(0);
        await link.sink.isDown();
        expect(link.sink.calls.map((call) => call.kind)).toEqual(['down']);
      });

      test('a link that is ended from inside its own up says no more than down', async () => {
        const link = start({ onUp: ({ abort }) => abort() });
        await link.sink.isDown();
        await barrier();
        expect(link.sink.calls.map((call) => call.kind)).toEqual(['up', 'down']);
      });

      test('a batch of 1,000 frames arrives whole and in order', async () => {
        const link = await startUp();
        const sent = Array.from({ length: 1000 }, (_, index) => event('message', { index }, index + 1));
        server.push(sent);
        expect(await link.sink.untilEvents(1000)).toEqual(sent);
      });

      test('names that mean something to JavaScript pass as data', async () => {
        const link = await startUp({
          channels: new Map([
            ['__proto__', undefined],
            ['constructor', undefined],
          ]),
        });
        const data = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown;
        const sent = ['__proto__', 'constructor', 'toString'].map((name) => ({ ...event(name, data), channel: name }));
        server.push(sent);
        const events = await link.sink.untilEvents(3);
        expect(events.map((frame) => [frame.channel, frame.event, JSON.stringify(frame.data)])).toEqual(
          sent.map((frame) => [frame.channel, frame.event, JSON.stringify(data)]),
        );
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
        expect(joinsOf(server)).toMatchObject([{ channel: '__proto__' }, { channel: 'constructor' }]);
      });
    });

    describe('2 one connect is one link', () => {
      for (const answer of ['unauthorized', 'forbidden', 'unavailable'] satisfies ContractAnswer[]) {
        test(`a link that was answered with ${answer} is not dialled again`, async () => {
          server.answer(answer);
          const link = start({ token: 'token-1' });
          await link.sink.isDown();
          await expectOneDial(link);
        });
      }

      if (gaps.end === undefined) {
        test('a link that was ended is not dialled again', async () => {
          const link = await startUp();
          server.end();
          await link.sink.isDown();
          await expectOneDial(link);
        });
      }

      if (gaps.cut === undefined) {
        test('a link that was cut is not dialled again', async () => {
          const link = await startUp();
          server.cut();
          await link.sink.isDown();
          await expectOneDial(link);
        });
      }

      /** No timer is left that could dial, and by the time that another link has worked there is no second dial. */
      async function expectOneDial(link: Dialled): Promise<void> {
        expect(link.clock.pending()).toBe(0);
        await barrier();
        expect(server.dialled()).toBe(2);
      }

      test('the same frame twice arrives twice', async () => {
        const link = await startUp();
        const frame = { ...event('message', 'same', 1), epoch: 'e1', id: 'm-1' };
        server.push([frame]);
        server.push([frame]);
        expect(await link.sink.untilEvents(2)).toEqual([frame, frame]);
      });

      test('nothing is remembered from one link to the next', async () => {
        const first = await startUp({
          token: 'token-1',
          channels: new Map([['room', { epoch: 'e1', offset: 7 }]]),
          cursor: 'c-1',
        });
        server.push([event('message', 1, 8)]);
        await first.sink.untilEvents(1);
        first.abort();
        const second = await startUp({ channels: new Map([['lobby', undefined]]) });
        expect(server.tokens()).toEqual(['token-1', undefined]);
        expect(joinsOf(server)).toEqual([
          { kind: 'join', channel: 'room', epoch: 'e1', offset: 7 },
          { kind: 'join', channel: 'lobby' },
        ]);
        second.abort();
      });

      test('two links of one transport live side by side, and one may end', async () => {
        const [first, second] = [await startUp({ client: 'client-1' }), await startUp({ client: 'client-2' })];
        first.abort();
        await first.sink.isDown();
        server.push([event('message')]);
        await second.sink.untilEvents(1);
        expect(first.sink.events()).toEqual([]);
      });
    });

    describe('3 aborting frees everything', () => {
      test('before the dial: nothing is dialled', async () => {
        const link = start({ aborted: true });
        expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
        await barrier();
        expect(server.dialled()).toBe(1);
        await untilFreed(link);
      });

      test('in the same tick as the dial', async () => {
        const link = start();
        link.abort();
        expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
        await barrier();
        expect(link.sink.calls).toHaveLength(1);
        await untilFreed(link);
      });

      test('while the server says nothing', async () => {
        server.answer('silence');
        const link = start();
        await server.until(() => server.dialled() === 1 && server.sockets() === 1);
        link.abort();
        expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
        await untilFreed(link);
        expect(link.sink.calls).toHaveLength(1);
      });

      test('while it is up', async () => {
        const link = await startUp();
        await server.until(() => server.sockets() > 0);
        link.abort();
        expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
        await untilFreed(link);
      });

      test('during a send: the send settles too', async () => {
        const link = await startUp();
        const sending = settled(link.link.send([publish('p-1')]));
        link.abort();
        expect(await link.sink.isDown()).toEqual({ kind: 'aborted' });
        const outcome = await sending;
        expect(Array.isArray(outcome) || RealtimeError.is(outcome)).toBe(true);
        await untilFreed(link);
      });

      if (gaps.end === undefined) {
        test('a link that the server ended leaves nothing behind', async () => {
          const link = await startUp();
          server.end();
          await link.sink.isDown();
          await untilFreed(link);
          link.abort();
          expect(link.sink.calls.filter((call) => call.kind === 'down')).toHaveLength(1);
        });
      }
    });

    describe('4 sending', () => {
      test('is refused before up and after down', async () => {
        const link = start();
        await expect(link.link.send([publish('p-1')])).rejects.toMatchObject({ code: 'closed' });
        await link.sink.isUp();
        link.abort();
        await expect(link.link.send([publish('p-2')])).rejects.toMatchObject({ code: 'closed' });
        await barrier();
        expect(server.received().filter((frame) => frame.kind === 'publish')).toEqual([]);
      });

      test('accepted and rejected are the word of the server', async () => {
        const link = await startUp();
        const receipts = await link.link.send([publish('p-1'), publish('p-2', refusedEvent)]);
        const words = receipts.map(({ id, status, code }) => ({ id, status, code }));
        if (transport.capabilities.ack === 'receipt') {
          expect(words).toEqual([
            { id: 'p-1', status: 'accepted' },
            { id: 'p-2', status: 'rejected', code: refusalCode },
          ]);
          return;
        }
        expect(words).toEqual([
          { id: 'p-1', status: 'sent' },
          { id: 'p-2', status: 'sent' },
        ]);
        if (transport.capabilities.ack === 'none') return;
        const answers = (): readonly ServerFrame[] =>
          link.sink.allFrames().filter((frame) => frame.kind === 'ack' || frame.kind === 'reject');
        await link.sink.until(() => answers().length === 2);
        expect(answers()).toMatchObject([
          { kind: 'ack', id: 'p-1' },
          { kind: 'reject', id: 'p-2', code: refusalCode },
        ]);
      });

      test('keeps the order of the calls, and of the frames in one call', async () => {
        const link = await startUp();
        const ids = Array.from({ length: 50 }, (_, index) => `p-${index}`);
        const sends: Promise<readonly Receipt[]>[] = [];
        for (let index = 0; index < ids.length; index += 2) {
          sends.push(link.link.send(ids.slice(index, index + 2).map((id) => publish(id))));
        }
        await server.until(() => publishedIds(server).length === ids.length);
        const receipts = (await Promise.all(sends)).flat();
        expect(publishedIds(server)).toEqual(ids);
        expect(receipts.map((receipt) => receipt.id)).toEqual(ids);
      });

      test('carries the data unchanged', async () => {
        const link = await startUp();
        const data = { text: 'héllo 🌍\u2028\0', list: [1, null, true], nested: { deep: [{}] } };
        const frame: PublishFrame = { ...publish('p-1', '__proto__'), data };
        await link.link.send([frame]);
        await server.until(() => publishedIds(server).length === 1);
        expect(server.received().find((received) => received.kind === 'publish')).toEqual(frame);
      });

      test('joins and leaves on the live link, where the transport can', async () => {
        const link = await startUp();
        if (transport.capabilities.joining === 'dial') {
          // such a link is replaced by another one; that its joins travel is case 6
          expect(joinsOf(server)).toHaveLength(1);
          return;
        }
        await link.link.send([
          { kind: 'join', channel: 'lobby', epoch: 'e1', offset: 3 },
          { kind: 'leave', channel: 'room' },
        ]);
        await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'left'));
        expect(joinsOf(server).at(-1)).toEqual({ kind: 'join', channel: 'lobby', epoch: 'e1', offset: 3 });
        expect(link.sink.allFrames()).toContainEqual(expect.objectContaining({ kind: 'joined', channel: 'lobby' }));
      });
    });

    describe('5 causes', () => {
      const causeOf = async (answer: ContractAnswer, options?: DialOptions) => {
        server.answer(answer);
        const link = start(options);
        const cause = await link.sink.isDown();
        expect(link.sink.calls.map((call) => call.kind)).toEqual(['down']);
        if (cause.kind === 'aborted') throw new Error('nobody aborted the link');
        expect(RealtimeError.is(cause.error)).toBe(true);
        expect(cause.error.transport).toBe(transport.name);
        return cause;
      };

      for (const answer of ['unauthorized', 'forbidden'] satisfies ContractAnswer[]) {
        test(`${answer}: the cause says so, and never the token`, async () => {
          const cause = await causeOf(answer, { token: canary });
          expect(cause.kind).toBe(answer);
          expect(cause.error.code).toBe(answer);
          expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
        });
      }

      test('unavailable: refused, with the moment to come back', async () => {
        const cause = await causeOf('unavailable');
        expect(cause.kind).toBe('refused');
        if (gaps.retryAfter === undefined) expect(cause).toMatchObject({ retryAfterMs: 7000 });
      });

      test('a dead port: refused, and never the token', async () => {
        await server.close();
        const cause = await causeOf('accept', { token: canary });
        expect(cause.kind).toBe('refused');
        expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
      });

      if (gaps.garbage === undefined) {
        test('garbage instead of a greeting: protocol or unsupported', async () => {
          const cause = await causeOf('garbage', { token: canary });
          expect(['protocol', 'unsupported']).toContain(cause.kind);
          expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
        });

        test('garbage on a live link is reported, and the link goes on', async () => {
          const link = await startUp();
          server.pushGarbage();
          await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'garbled'));
          server.push([event('after')]);
          expect(await link.sink.untilEvents(1)).toEqual([event('after')]);
          expect(link.sink.calls.some((call) => call.kind === 'down')).toBe(false);
        });
      }

      if (gaps.end === undefined) {
        test('an ordinary end: lost, after all that was sent before it', async () => {
          const link = await startUp();
          server.push([event('last')]);
          server.end();
          expect((await link.sink.isDown()).kind).toBe('lost');
          expect(link.sink.events()).toEqual([event('last')]);
        });
      }

      if (gaps.cut === undefined) {
        test('a cut: lost', async () => {
          const link = await startUp();
          server.cut();
          expect((await link.sink.isDown()).kind).toBe('lost');
        });
      }
    });

    describe('6 the first flight', () => {
      test('carries the joins with their positions, and the token once', async () => {
        const channels = new Map<string, Position | undefined>([
          ['room', { epoch: 'e-ü', offset: 41 }],
          ['opaque', 'cursor/+= 1'],
          ['fresh', undefined],
        ]);
        const link = start({ channels, token: 'token-1' });
        const info = await link.sink.isUp();
        expect(info).toMatchObject({ greeted: true, joining: ['room', 'opaque', 'fresh'] });
        await link.sink.until(() => link.sink.allFrames().filter((frame) => frame.kind === 'joined').length === 3);
        expect(joinsOf(server)).toEqual([
          { kind: 'join', channel: 'room', epoch: 'e-ü', offset: 41 },
          { kind: 'join', channel: 'opaque', cursor: 'cursor/+= 1' },
          { kind: 'join', channel: 'fresh' },
        ]);
        expect(server.tokens()).toEqual(['token-1']);
        expect(server.dialled()).toBe(1);
      });

      test('reads the positions of the moment, not those of an earlier link', async () => {
        const channels = new Map<string, Position | undefined>([['room', { epoch: 'e1', offset: 1 }]]);
        const first = await startUp({ channels });
        channels.set('room', { epoch: 'e1', offset: 2 });
        channels.set('lobby', undefined);
        first.abort();
        const second = await startUp({ channels });
        expect(joinsOf(server).slice(-2)).toEqual([
          { kind: 'join', channel: 'room', epoch: 'e1', offset: 2 },
          { kind: 'join', channel: 'lobby' },
        ]);
        second.abort();
      });

      test('carries a hundred channels', async () => {
        const channels = new Map(Array.from({ length: 100 }, (_, index) => [`room-${index}`, { epoch: 'e1', offset: index }]));
        const link = await startUp({ channels, token: 'token-1' });
        await link.sink.until(() => link.sink.allFrames().filter((frame) => frame.kind === 'joined').length === 100);
        expect(joinsOf(server)).toHaveLength(100);
        expect(server.tokens()).toEqual(['token-1']);
      });
    });
  });
}

function event(name: string, data: unknown = null, offset?: number): Extract<ServerFrame, { kind: 'event' }> {
  return { kind: 'event', channel: 'room', event: name, data, ...(offset === undefined ? {} : { offset }) };
}

function publish(id: string, name = 'message'): PublishFrame {
  return { kind: 'publish', id, channel: 'room', event: name, data: { id } };
}

function joinsOf(server: ContractServer) {
  return server.received().filter((frame) => frame.kind === 'join');
}

function publishedIds(server: ContractServer): string[] {
  return server.received().flatMap((frame) => (frame.kind === 'publish' ? [frame.id] : []));
}

/** The value of a promise, or what it was rejected with. */
function settled<T>(promise: Promise<T>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}
