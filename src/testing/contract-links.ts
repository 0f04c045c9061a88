import { type ContractCase, eventOf, expectOneDial, joinsOf, kindsOf, publishOf } from './contract-bench.ts';
import { equal, holds, matches } from './contract-check.ts';

/** 1: the order of the calls of one link. */
export const orderCases: readonly ContractCase[] = [
  {
    name: 'up comes first and down last, each once',
    async run({ startUp, server, barrier }) {
      const link = await startUp();
      server.push([eventOf('one')]);
      await link.sink.untilEvents(1);
      link.abort();
      await barrier();
      const kinds = kindsOf(link);
      equal([kinds[0], kinds.at(-1)], ['up', 'down'], 'the first and the last call');
      equal(
        kinds.filter((kind) => kind === 'up' || kind === 'down'),
        ['up', 'down'],
        'the calls of up and down',
      );
    },
  },
  {
    name: 'nothing comes after down, though the server goes on sending',
    async run({ startUp, server, barrier }) {
      const link = await startUp();
      server.push([eventOf('one')]);
      link.abort();
      server.push([eventOf('two')]);
      const cause = await link.sink.isDown();
      const callCount = link.sink.calls.length;
      server.push([eventOf('three')]);
      await barrier();
      equal(cause, { kind: 'aborted' }, 'the cause');
      equal(link.sink.calls.length, callCount, 'the number of calls');
      equal(kindsOf(link).at(-1), 'down', 'the last call');
    },
  },
  {
    name: 'connect returns before the first call, also for a signal that has fired',
    async run({ start }) {
      const live = start();
      equal(live.earlyCalls, 0, 'calls inside of connect');
      const dead = start({ aborted: true });
      equal(dead.earlyCalls, 0, 'calls inside of connect');
      equal(await dead.sink.isDown(), { kind: 'aborted' }, 'the cause');
      await live.sink.isUp();
    },
  },
  {
    name: 'connect returns before the first call on a dead port',
    async run({ start, server }) {
      await server.close();
      const link = start();
      equal(link.earlyCalls, 0, 'calls inside of connect');
      await link.sink.isDown();
      equal(kindsOf(link), ['down'], 'the calls');
    },
  },
  {
    name: 'a link that is ended from inside its own up says no more than down',
    async run({ start, barrier }) {
      const link = start({ onUp: ({ abort }) => abort() });
      await link.sink.isDown();
      await barrier();
      equal(kindsOf(link), ['up', 'down'], 'the calls');
    },
  },
  {
    name: 'a batch of 1,000 frames arrives whole and in order',
    async run({ startUp, server }) {
      const link = await startUp();
      const sent = Array.from({ length: 1000 }, (_, index) => eventOf('message', { index }, index + 1));
      server.push(sent);
      equal(await link.sink.untilEvents(1000), sent, 'what arrived');
    },
  },
  {
    name: 'names that mean something to JavaScript pass as data',
    async run({ startUp, server }) {
      const channels = new Map([
        ['__proto__', undefined],
        ['constructor', undefined],
      ]);
      const link = await startUp({ channels });
      const data = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown;
      const sent = ['__proto__', 'constructor', 'toString'].map((name) => ({ ...eventOf(name, data), channel: name }));
      server.push(sent);
      const events = await link.sink.untilEvents(3);
      equal(
        events.map((frame) => [frame.channel, frame.event, JSON.stringify(frame.data)]),
        sent.map((frame) => [frame.channel, frame.event, JSON.stringify(data)]),
        'what arrived',
      );
      equal(({} as Record<string, unknown>)['polluted'], undefined, 'what every object has now');
      matches(joinsOf(server), [{ channel: '__proto__' }, { channel: 'constructor' }], 'the joins');
    },
  },
];

/** 2: one connect is one link. */
export const singleCases: readonly ContractCase[] = [
  ...(['unauthorized', 'forbidden', 'unavailable'] as const).map(
    (answer): ContractCase => ({
      name: `a link that was answered with ${answer} is not dialled again`,
      async run(bench) {
        bench.server.answer(answer);
        const link = bench.start({ token: 'token-1' });
        await link.sink.isDown();
        await expectOneDial(bench, link);
      },
    }),
  ),
  ...(['end', 'cut'] as const).map(
    (how): ContractCase => ({
      name: `a link that met its ${how} is not dialled again`,
      needs: how,
      async run(bench) {
        const link = await bench.startUp();
        bench.server[how]();
        await link.sink.isDown();
        await expectOneDial(bench, link);
      },
    }),
  ),
  {
    name: 'the same frame twice arrives twice',
    async run({ startUp, server }) {
      const link = await startUp();
      const frame = { ...eventOf('message', 'same', 1), epoch: 'e1', id: 'm-1' };
      server.push([frame]);
      server.push([frame]);
      equal(await link.sink.untilEvents(2), [frame, frame], 'what arrived');
    },
  },
  {
    name: 'nothing is remembered from one link to the next',
    async run({ startUp, server }) {
      const channels = new Map([['room', { epoch: 'e1', offset: 7 }]]);
      const first = await startUp({ token: 'token-1', channels, cursor: 'c-1' });
      server.push([eventOf('message', 1, 8)]);
      await first.sink.untilEvents(1);
      first.abort();
      await startUp({ channels: new Map([['lobby', undefined]]) });
      equal(server.tokens(), ['token-1', undefined], 'the tokens');
      equal(
        joinsOf(server),
        [
          { kind: 'join', channel: 'room', epoch: 'e1', offset: 7 },
          { kind: 'join', channel: 'lobby' },
        ],
        'the joins',
      );
    },
  },
  {
    name: 'two links of one transport live side by side, and one may end',
    async run({ startUp, server }) {
      const [first, second] = [await startUp({ client: 'client-1' }), await startUp({ client: 'client-2' })];
      first.abort();
      await first.sink.isDown();
      server.push([eventOf('message')]);
      await second.sink.untilEvents(1);
      equal(first.sink.events(), [], 'what arrived at the first');
    },
  },
];

/** 3: aborting frees everything. */
export const abortCases: readonly ContractCase[] = [
  {
    name: 'before the dial: nothing is dialled',
    async run({ start, server, barrier, untilFreed }) {
      const link = start({ aborted: true });
      equal(await link.sink.isDown(), { kind: 'aborted' }, 'the cause');
      await barrier();
      equal(server.dialled(), 1, 'links that were dialled, with the one of this check');
      await untilFreed(link);
    },
  },
  {
    name: 'in the same tick as the dial',
    async run({ start, barrier, untilFreed }) {
      const link = start();
      link.abort();
      equal(await link.sink.isDown(), { kind: 'aborted' }, 'the cause');
      await barrier();
      equal(kindsOf(link), ['down'], 'the calls');
      await untilFreed(link);
    },
  },
  {
    name: 'while the server says nothing',
    async run({ start, server, untilFreed }) {
      server.answer('silence');
      const link = start();
      await server.until(() => server.dialled() === 1 && server.sockets() === 1);
      link.abort();
      equal(await link.sink.isDown(), { kind: 'aborted' }, 'the cause');
      await untilFreed(link);
      equal(kindsOf(link), ['down'], 'the calls');
    },
  },
  {
    name: 'while it is up',
    async run({ startUp, server, untilFreed }) {
      const link = await startUp();
      await server.until(() => server.sockets() > 0);
      link.abort();
      equal(await link.sink.isDown(), { kind: 'aborted' }, 'the cause');
      await untilFreed(link);
    },
  },
  {
    name: 'during a send: the send settles too',
    async run({ startUp, untilFreed }) {
      const link = await startUp();
      const sending = link.link.send([publishOf('p-1')]).catch((error: unknown) => error);
      link.abort();
      equal(await link.sink.isDown(), { kind: 'aborted' }, 'the cause');
      const outcome = await sending;
      holds(Array.isArray(outcome) || (outcome as Error).name === 'RealtimeError', 'the send failed with something else');
      await untilFreed(link);
    },
  },
  {
    name: 'a link that the server ended leaves nothing behind',
    needs: 'end',
    async run({ startUp, server, untilFreed }) {
      const link = await startUp();
      server.end();
      await link.sink.isDown();
      await untilFreed(link);
      link.abort();
      equal(kindsOf(link).filter((kind) => kind === 'down').length, 1, 'the calls of down');
    },
  },
];
