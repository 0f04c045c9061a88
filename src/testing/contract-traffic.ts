import type { Position, PublishFrame, Receipt, ServerFrame } from 'keepwire';
import { type ContractCase, canary, causeOf, eventOf, joinsOf, publishedIds, publishOf } from './contract-bench.ts';
import { equal, holds, matches, rejection, reveals } from './contract-check.ts';
import { refusalCode, refusedEvent } from './contract-server.ts';

/** 4: sending. */
export const sendCases: readonly ContractCase[] = [
  {
    name: 'is refused before up and after down',
    async run({ start, server, barrier }) {
      const link = start();
      matches(await rejection(link.link.send([publishOf('p-1')]), 'a send before up'), { code: 'closed' }, 'the error');
      await link.sink.isUp();
      link.abort();
      matches(await rejection(link.link.send([publishOf('p-2')]), 'a send after down'), { code: 'closed' }, 'the error');
      await barrier();
      equal(publishedIds(server), [], 'what arrived');
    },
  },
  {
    name: 'accepted and rejected are the word of the server',
    async run({ startUp, transport }) {
      const link = await startUp();
      const receipts = await link.link.send([publishOf('p-1'), publishOf('p-2', refusedEvent)]);
      const words = receipts.map(({ id, status, code }) => ({ id, status, code }));
      if (transport.capabilities.ack === 'receipt') {
        const wanted = [
          { id: 'p-1', status: 'accepted' },
          { id: 'p-2', status: 'rejected', code: refusalCode },
        ];
        return equal(words, wanted, 'the receipts');
      }
      const left = [
        { id: 'p-1', status: 'sent' },
        { id: 'p-2', status: 'sent' },
      ];
      equal(words, left, 'the receipts');
      if (transport.capabilities.ack === 'none') return;
      const answers = (): readonly ServerFrame[] =>
        link.sink.allFrames().filter((frame) => frame.kind === 'ack' || frame.kind === 'reject');
      await link.sink.until(() => answers().length === 2);
      const wanted = [
        { kind: 'ack', id: 'p-1' },
        { kind: 'reject', id: 'p-2', code: refusalCode },
      ];
      matches(answers(), wanted, 'the answers by frame');
    },
  },
  {
    name: 'keeps the order of the calls, and of the frames in one call',
    async run({ startUp, server }) {
      const link = await startUp();
      const ids = Array.from({ length: 50 }, (_, index) => `p-${index}`);
      const sends: Promise<readonly Receipt[]>[] = [];
      for (let index = 0; index < ids.length; index += 2) {
        sends.push(link.link.send(ids.slice(index, index + 2).map((id) => publishOf(id))));
      }
      await server.until(() => publishedIds(server).length === ids.length);
      const receipts = (await Promise.all(sends)).flat();
      equal(publishedIds(server), ids, 'what arrived');
      equal(
        receipts.map((receipt) => receipt.id),
        ids,
        'the receipts',
      );
    },
  },
  {
    name: 'carries the data unchanged',
    async run({ startUp, server }) {
      const link = await startUp();
      const data = { text: 'héllo 🌍\u2028\0', list: [1, null, true], nested: { deep: [{}] } };
      const frame: PublishFrame = { ...publishOf('p-1', '__proto__'), data };
      await link.link.send([frame]);
      await server.until(() => publishedIds(server).length === 1);
      equal(
        server.received().find((received) => received.kind === 'publish'),
        frame,
        'what arrived',
      );
    },
  },
  {
    name: 'joins and leaves on the live link, where the transport can',
    async run({ startUp, server, transport }) {
      const link = await startUp();
      // such a link is replaced by another one; that its joins travel is case 6
      if (transport.capabilities.joining === 'dial') return equal(joinsOf(server).length, 1, 'the joins');
      await link.link.send([
        { kind: 'join', channel: 'lobby', epoch: 'e1', offset: 3 },
        { kind: 'leave', channel: 'room' },
      ]);
      await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'left'));
      equal(joinsOf(server).at(-1), { kind: 'join', channel: 'lobby', epoch: 'e1', offset: 3 }, 'the join that arrived');
      const isJoined = link.sink.allFrames().some((frame) => frame.kind === 'joined' && frame.channel === 'lobby');
      holds(isJoined, 'the join was not answered');
    },
  },
];

/** 5: causes. */
export const causeCases: readonly ContractCase[] = [
  ...(['unauthorized', 'forbidden'] as const).map(
    (answer): ContractCase => ({
      name: `${answer}: the cause says so, and never the token`,
      async run(bench) {
        const cause = await causeOf(bench, answer, { token: canary });
        equal([cause.kind, cause.error.code], [answer, answer], 'the cause and its code');
        holds(!reveals(cause, canary), 'the token is in the cause');
      },
    }),
  ),
  {
    name: 'unavailable: refused',
    async run(bench) {
      equal((await causeOf(bench, 'unavailable')).kind, 'refused', 'the cause');
    },
  },
  {
    name: 'unavailable: with the moment to come back',
    needs: 'retryAfter',
    async run(bench) {
      matches(await causeOf(bench, 'unavailable'), { kind: 'refused', retryAfterMs: 7000 }, 'the cause');
    },
  },
  {
    name: 'a dead port: refused, and never the token',
    async run(bench) {
      await bench.server.close();
      const cause = await causeOf(bench, 'accept', { token: canary });
      equal(cause.kind, 'refused', 'the cause');
      holds(!reveals(cause, canary), 'the token is in the cause');
    },
  },
  {
    name: 'garbage instead of a greeting: protocol or unsupported',
    needs: 'garbage',
    async run(bench) {
      const cause = await causeOf(bench, 'garbage', { token: canary });
      holds(cause.kind === 'protocol' || cause.kind === 'unsupported', `the cause is ${cause.kind}`);
      holds(!reveals(cause, canary), 'the token is in the cause');
    },
  },
  {
    name: 'garbage on a live link is reported, and the link goes on',
    needs: 'garbage',
    async run({ startUp, server }) {
      const link = await startUp();
      server.pushGarbage();
      await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'garbled'));
      server.push([eventOf('after')]);
      equal(await link.sink.untilEvents(1), [eventOf('after')], 'what arrived');
      holds(!link.sink.calls.some((call) => call.kind === 'down'), 'the link is down');
    },
  },
  {
    name: 'an ordinary end: lost, after all that was sent before it',
    needs: 'end',
    async run({ startUp, server }) {
      const link = await startUp();
      server.push([eventOf('last')]);
      server.end();
      equal((await link.sink.isDown()).kind, 'lost', 'the cause');
      equal(link.sink.events(), [eventOf('last')], 'what arrived');
    },
  },
  {
    name: 'a cut: lost',
    needs: 'cut',
    async run({ startUp, server }) {
      const link = await startUp();
      server.cut();
      equal((await link.sink.isDown()).kind, 'lost', 'the cause');
    },
  },
];

/** 6: the first flight. */
export const flightCases: readonly ContractCase[] = [
  {
    name: 'carries the joins with their positions, and the token once',
    async run({ start, server }) {
      const channels = new Map<string, Position | undefined>([
        ['room', { epoch: 'e-ü', offset: 41 }],
        ['opaque', 'cursor/+= 1'],
        ['fresh', undefined],
      ]);
      const link = start({ channels, token: 'token-1' });
      matches(await link.sink.isUp(), { greeted: true, joining: ['room', 'opaque', 'fresh'] }, 'what the link says of itself');
      await link.sink.until(() => link.sink.allFrames().filter((frame) => frame.kind === 'joined').length === 3);
      const wanted = [
        { kind: 'join', channel: 'room', epoch: 'e-ü', offset: 41 },
        { kind: 'join', channel: 'opaque', cursor: 'cursor/+= 1' },
        { kind: 'join', channel: 'fresh' },
      ];
      equal(joinsOf(server), wanted, 'the joins that arrived');
      equal(server.tokens(), ['token-1'], 'the tokens that arrived');
      equal(server.dialled(), 1, 'links that were dialled');
    },
  },
  {
    name: 'reads the positions of the moment, not those of an earlier link',
    async run({ startUp, server }) {
      const channels = new Map<string, Position | undefined>([['room', { epoch: 'e1', offset: 1 }]]);
      const first = await startUp({ channels });
      channels.set('room', { epoch: 'e1', offset: 2 });
      channels.set('lobby', undefined);
      first.abort();
      await startUp({ channels });
      const wanted = [
        { kind: 'join', channel: 'room', epoch: 'e1', offset: 2 },
        { kind: 'join', channel: 'lobby' },
      ];
      equal(joinsOf(server).slice(-2), wanted, 'the joins that arrived');
    },
  },
  {
    name: 'carries a hundred channels',
    async run({ startUp, server }) {
      const channels = new Map(Array.from({ length: 100 }, (_, index) => [`room-${index}`, { epoch: 'e1', offset: index }]));
      const link = await startUp({ channels, token: 'token-1' });
      await link.sink.until(() => link.sink.allFrames().filter((frame) => frame.kind === 'joined').length === 100);
      equal(joinsOf(server).length, 100, 'the joins that arrived');
      equal(server.tokens(), ['token-1'], 'the tokens that arrived');
    },
  },
];
