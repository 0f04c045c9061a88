import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { type CloseMeaning, type WebSocketLike, type WebSocketOptions, websocket } from '../../src/adapters/websocket.ts';
import { RealtimeError, type RealtimeErrorCode } from '../../src/errors.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { Position, PublishFrame, ServerFrame } from '../../src/protocol/frame.ts';
import { keepwireDialect } from '../../src/protocol/keepwire.ts';
import { transportContract } from '../support/contract.ts';
import { type DialOptions, dial } from '../support/contract-link.ts';
import { webSocketContractServer } from '../support/contract-websocket.ts';

transportContract('websocket, of the platform', () => webSocketContractServer());
transportContract('websocket, of the ws package', () => webSocketContractServer({ WebSocket: WsWebSocket }));
transportContract('websocket, greeting in the first frame', () => webSocketContractServer({ token: 'first-frame' }));
transportContract('websocket, greeting in the query', () => webSocketContractServer({ token: 'query' }));

const canary = 'canary-7f3a9c';
const welcome = JSON.stringify([{ kind: 'welcome', version: 1 }]);

/** A WebSocket without a network: the test plays the server. */
class ScriptedSocket implements WebSocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: string[] = [];
  readonly closes: (number | undefined)[] = [];
  binaryType = 'blob';
  readyState = 0;
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;

  constructor(url: string, protocols: string[] = []) {
    this.url = url;
    this.protocols = protocols;
  }

  /** The names of the events that somebody listens to. */
  get listening(): readonly string[] {
    return (['onopen', 'onmessage', 'onclose', 'onerror'] as const).filter((name) => this[name] !== null);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closes.push(code);
    this.readyState = 2;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.({});
  }

  says(data: unknown): void {
    this.onmessage?.({ data });
  }

  ends(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** One link over a scripted socket. */
function script(options: Partial<WebSocketOptions> = {}, dialOptions: DialOptions = {}) {
  const made: ScriptedSocket[] = [];
  const transport = websocket({
    url: 'wss://api.example/realtime?a=1',
    WebSocket: class extends ScriptedSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        made.push(this);
      }
    },
    ...options,
  });
  const dialled = dial(transport, dialOptions);
  const socket = made[0] as ScriptedSocket;
  return { ...dialled, socket, made, transport };
}

/** One link over a scripted socket, up. */
function scriptUp(options: Partial<WebSocketOptions> = {}, dialOptions: DialOptions = {}) {
  const scripted = script(options, dialOptions);
  scripted.socket.opens();
  scripted.socket.says(welcome);
  expect(scripted.sink.calls[0]?.kind).toBe('up');
  return scripted;
}

/** A server that has no greeting: it wants the token first, and answers nothing. */
const plainDialect: Dialect = {
  name: 'plain',
  traits: { greets: false, joinsInHello: false, answersJoins: false, acks: false, resume: 'none', pings: false, reauth: false },
  opening: ({ token }) => [{ frames: [], data: { op: 'start', token } }],
  decode: (data) => [{ kind: 'event', channel: 'room', event: 'text', data }],
  encode: (frames) => frames.flatMap((frame) => (frame.kind === 'publish' ? [{ frames: [frame], data: frame.data }] : [])),
};

function publish(id: string, data: unknown = null): PublishFrame {
  return { kind: 'publish', id, channel: 'room', event: 'message', data };
}

function decodeHello(protocol: string | undefined): unknown {
  const [, encoded = ''] = /^keepwire\.hello\.([\w-]+)$/.exec(protocol ?? '') ?? [];
  return JSON.parse(Buffer.from(encoded, 'base64url').toString());
}

const positioned: DialOptions = {
  token: 'tökén',
  channels: new Map<string, Position | undefined>([
    ['room', { epoch: 'e1', offset: 4 }],
    ['lobby', undefined],
  ]),
};
const hello = {
  kind: 'hello',
  version: 1,
  client: 'client-1',
  token: 'tökén',
  channels: [{ channel: 'room', epoch: 'e1', offset: 4 }, { channel: 'lobby' }],
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the table of close codes', () => {
  const rows: readonly [code: number, kind: CloseMeaning, errorCode: RealtimeErrorCode][] = [
    [1000, 'lost', 'connection-lost'],
    [1001, 'lost', 'connection-lost'],
    [1002, 'protocol', 'protocol'],
    [1003, 'protocol', 'protocol'],
    [1005, 'lost', 'connection-lost'],
    [1006, 'lost', 'connection-lost'],
    [1007, 'protocol', 'protocol'],
    [1008, 'unauthorized', 'unauthorized'],
    [1009, 'protocol', 'too-large'],
    [1010, 'unsupported', 'unsupported'],
    [1011, 'lost', 'connection-lost'],
    [1012, 'lost', 'connection-lost'],
    [1013, 'refused', 'refused'],
    [1014, 'refused', 'refused'],
    [1015, 'refused', 'refused'],
    [3000, 'unauthorized', 'unauthorized'],
    [3003, 'forbidden', 'forbidden'],
    [3008, 'lost', 'connection-lost'],
    [4000, 'lost', 'connection-lost'],
    [4400, 'protocol', 'protocol'],
    [4401, 'unauthorized', 'unauthorized'],
    [4403, 'forbidden', 'forbidden'],
    [4404, 'dismissed', 'dismissed'],
    [4408, 'lost', 'connection-lost'],
    [4409, 'dismissed', 'dismissed'],
    [4410, 'dismissed', 'dismissed'],
    [4429, 'refused', 'refused'],
    [4503, 'refused', 'refused'],
  ];

  for (const [code, kind, errorCode] of rows) {
    test(`${code} on a live link is ${kind}`, async () => {
      const { socket, sink } = scriptUp();
      socket.ends(code);
      expect(await sink.isDown()).toMatchObject({ kind, error: { code: errorCode, native: code, transport: 'websocket' } });
    });

    test(`${code} before the connection is open is refused`, async () => {
      const { socket, sink } = script();
      socket.ends(code);
      expect(await sink.isDown()).toMatchObject({ kind: 'refused', error: { code: 'refused', native: code } });
    });
  }

  test('a restart and a deploy ask the clients to spread', async () => {
    for (const code of [1001, 1012]) {
      const { socket, sink } = scriptUp();
      socket.ends(code);
      expect(await sink.isDown()).toMatchObject({ kind: 'lost', spreadMs: 3000 });
    }
  });

  test('the user overrides the table and the dialect, the dialect overrides the table', async () => {
    const dialect: Dialect = {
      ...keepwireDialect,
      closing: (native) => (native === 1000 ? 'timeout' : native === 4999 ? 'too-large' : 'dismissed'),
    };
    const options = { dialect, closeCodes: { 4401: 'forbidden' } } as const;
    const causes: Record<number, unknown> = {};
    for (const code of [4401, 1006, 1000, 4999]) {
      const { socket, sink } = scriptUp(options);
      socket.ends(code);
      causes[code] = await sink.isDown();
    }
    expect(causes).toMatchObject({
      4401: { kind: 'forbidden', error: { code: 'forbidden' } },
      1006: { kind: 'dismissed', error: { code: 'dismissed' } },
      1000: { kind: 'lost', error: { code: 'timeout' } },
      4999: { kind: 'protocol', error: { code: 'too-large' } },
    });
  });

  test('a dialect that throws over a close code does not keep the link alive', async () => {
    const closing = (): never => {
      throw new Error('bug');
    };
    const { socket, sink } = scriptUp({ dialect: { ...keepwireDialect, closing } });
    socket.ends(4000);
    expect(await sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'protocol', cause: { message: 'bug' } } });
  });

  test('the reason of the close may be advice', async () => {
    const advice: readonly [reason: string, cause: object][] = [
      ['{"retryAfterMs":5000,"spreadMs":100}', { retryAfterMs: 5000, spreadMs: 100 }],
      ['{"retryAfterMs":1e12}', { retryAfterMs: 3_600_000, spreadMs: 3000 }],
      ['{"retryAfterMs":-1,"spreadMs":"soon"}', { spreadMs: 3000 }],
      ['{"retryAfterMs":', { spreadMs: 3000 }],
      ['null', { spreadMs: 3000 }],
      ['', { spreadMs: 3000 }],
    ];
    for (const [reason, expected] of advice) {
      const { socket, sink } = scriptUp();
      socket.ends(1012, reason);
      const { kind, error: _, ...rest } = (await sink.isDown()) as { kind: string; error: RealtimeError };
      expect([kind, rest]).toEqual(['lost', expected]);
    }
  });

  test('a reason in words is quoted, unless the token is in it', async () => {
    const worded = scriptUp();
    worded.socket.ends(4403, 'the room is full');
    expect(await worded.sink.isDown()).toMatchObject({ error: { message: expect.stringContaining('the room is full') } });
    const leaking = scriptUp({}, { token: canary });
    leaking.socket.ends(4401, `bad token ${canary}`);
    expect(inspect(await leaking.sink.isDown(), { depth: 12, showHidden: true })).not.toContain(canary);
  });
});

describe('where the greeting travels', () => {
  test('by default in the subprotocols, and nothing is sent after the connection is open', () => {
    const { socket } = scriptUp({}, positioned);
    expect(socket.url).toBe('wss://api.example/realtime?a=1');
    expect(socket.protocols[0]).toBe('keepwire.v1');
    expect(decodeHello(socket.protocols[1])).toEqual(hello);
    expect(socket.protocols).toHaveLength(2);
    expect(socket.sent).toEqual([]);
  });

  test('in the first frame, with the positions of that moment', async () => {
    const channels = new Map(positioned.channels);
    const { socket, sink } = script({ token: 'first-frame' }, { ...positioned, channels });
    channels.set('late', undefined);
    expect(socket.protocols).toEqual(['keepwire.v1']);
    expect(socket.sent).toEqual([]);
    socket.opens();
    expect(socket.sent.map((text) => JSON.parse(text) as unknown)).toEqual([
      { ...hello, channels: [...hello.channels, { channel: 'late' }] },
    ]);
    socket.says(welcome);
    expect(await sink.isUp()).toMatchObject({ joining: ['room', 'lobby', 'late'] });
  });

  test('in the query, beside what is there', () => {
    const { socket } = scriptUp({ token: 'query' }, positioned);
    const { searchParams } = new URL(socket.url);
    expect(searchParams.get('a')).toBe('1');
    expect(JSON.parse(searchParams.get('hello') ?? '')).toEqual(hello);
    expect(socket.protocols).toEqual(['keepwire.v1']);
    expect(socket.sent).toEqual([]);
  });

  test('without the token where it belongs nowhere', () => {
    const { socket } = scriptUp({ token: 'none' }, positioned);
    expect(decodeHello(socket.protocols[1])).toEqual({ ...hello, token: undefined });
    expect(socket.sent).toEqual([]);
  });

  test.each(['subprotocol', 'query', 'none'] as const)('an over-long hello goes in the first frame, not in the %s', (token) => {
    const channels = new Map(Array.from({ length: 200 }, (_, index) => [`room-${index}`, undefined]));
    const { socket } = scriptUp({ token }, { token: 'tökén', channels });
    expect(socket.url).toBe('wss://api.example/realtime?a=1');
    expect(socket.protocols).toEqual(['keepwire.v1']);
    const sent = socket.sent.map((text) => JSON.parse(text) as { kind: string; token?: string; channels: unknown[] });
    expect(sent.map(({ kind, token: shown, channels: { length } }) => [kind, shown, length])).toEqual([
      ['hello', token === 'none' ? undefined : 'tökén', 200],
    ]);
  });

  test('own subprotocols take the place of ours, and are asked for at each attempt', () => {
    const protocols = vi.fn(({ client }: { client: string }) => [`app.${client}`]);
    const { socket, transport, made } = script({ protocols });
    expect(socket.protocols[0]).toBe('app.client-1');
    expect(socket.protocols).toHaveLength(2);
    dial(transport, { client: 'client-2' });
    expect(made[1]?.protocols[0]).toBe('app.client-2');
  });

  describe('for a dialect without a hello', () => {
    test('the token is left to the opening messages', async () => {
      const { socket, sink, transport } = script({ dialect: plainDialect }, { token: 'token-1' });
      expect([socket.url, socket.protocols]).toEqual(['wss://api.example/realtime?a=1', []]);
      socket.opens();
      expect(socket.sent).toEqual(['{"op":"start","token":"token-1"}']);
      expect(await sink.isUp()).toMatchObject({ greeted: false, joining: [] });
      expect(transport.capabilities).toEqual({
        send: true,
        ack: 'none',
        resume: 'none',
        liveness: 'silence',
        joining: 'frame',
        reauth: false,
      });
    });

    test('as a subprotocol it is the bare token, once', () => {
      const { socket } = script({ dialect: plainDialect, token: 'subprotocol', protocols: ['bearer'] }, { token: 'a.b-c_d' });
      socket.opens();
      expect(socket.protocols).toEqual(['bearer', 'a.b-c_d']);
      expect(socket.sent).toEqual(['{"op":"start"}']);
    });

    test('in the query it is named token, once', () => {
      const { socket } = script({ dialect: plainDialect, token: 'query' }, { token: 'a b&c' });
      socket.opens();
      expect([...new URL(socket.url).searchParams]).toEqual([
        ['a', '1'],
        ['token', 'a b&c'],
      ]);
      expect(socket.sent).toEqual(['{"op":"start"}']);
    });

    test('without a token nothing is added', () => {
      for (const token of ['subprotocol', 'query', 'none'] as const) {
        const { socket } = script({ dialect: plainDialect, token });
        expect([socket.url, socket.protocols]).toEqual(['wss://api.example/realtime?a=1', []]);
      }
    });

    test('a token that is no subprotocol ends the link without being shown', async () => {
      for (const WebSocket of [globalThis.WebSocket, WsWebSocket]) {
        const transport = websocket({ url: 'ws://127.0.0.1:9/', WebSocket, dialect: plainDialect, token: 'subprotocol' });
        const { sink } = dial(transport, { token: `${canary}==` });
        const cause = await sink.isDown();
        expect(cause).toMatchObject({ kind: 'unsupported', error: { code: 'unsupported' } });
        expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
      }
    });
  });
});

describe('the address', () => {
  const addressOf = (url: WebSocketOptions['url']): string => script({ url }).socket.url;

  test('http becomes ws, https becomes wss, a fragment is dropped', () => {
    expect(addressOf('http://api.example:8080/realtime#x')).toBe('ws://api.example:8080/realtime');
    expect(addressOf(new URL('https://api.example/realtime?a=b%20c'))).toBe('wss://api.example/realtime?a=b%20c');
    expect(addressOf('ws://api.example/')).toBe('ws://api.example/');
  });

  test('relative to the page, at the time of the attempt', () => {
    const transport = websocket({ url: '../realtime', WebSocket: ScriptedSocket });
    vi.stubGlobal('location', { href: 'https://app.example/chat/room/7?x=1' });
    const opened: string[] = [];
    class Noting extends ScriptedSocket {
      constructor(url: string) {
        super(url);
        opened.push(url);
      }
    }
    dial(websocket({ url: '../realtime', WebSocket: Noting }));
    dial(websocket({ url: '/realtime', WebSocket: Noting }));
    dial(websocket({ url: '//other.example/realtime', WebSocket: Noting }));
    expect(opened).toEqual(['wss://app.example/chat/realtime', 'wss://app.example/realtime', 'wss://other.example/realtime']);
    expect(transport.name).toBe('websocket');
  });

  test('relative to nothing: the transport cannot work here', async () => {
    const { sink, made } = script({ url: '/realtime' });
    expect(await sink.isDown()).toMatchObject({
      kind: 'unsupported',
      error: { code: 'invalid-option', hint: expect.any(String) },
    });
    expect(made).toEqual([]);
  });

  test('a function is called once for each attempt, with the request', () => {
    const url = vi.fn(
      ({ credentials }: { credentials: { token: string } | undefined }) => `wss://api.example/?t=${credentials?.token}`,
    );
    const { transport, made } = script({ url }, { token: 'one' });
    dial(transport, { token: 'two' });
    expect(made.map((socket) => socket.url)).toEqual(['wss://api.example/?t=one', 'wss://api.example/?t=two']);
    expect(url).toHaveBeenCalledTimes(2);
  });

  test('a function that throws, or answers with nonsense, ends the attempt', async () => {
    const throwing = script({
      url: () => {
        throw new Error('no host yet');
      },
    });
    expect(await throwing.sink.isDown()).toMatchObject({ kind: 'unsupported', error: { cause: { message: 'no host yet' } } });
    const nonsense = script({ url: () => `ftp://api.example/?token=${canary}` });
    const cause = await nonsense.sink.isDown();
    expect(cause).toMatchObject({ kind: 'unsupported', error: { code: 'invalid-option' } });
    expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
  });
});

describe('the WebSocket itself', () => {
  test('is looked up at each attempt; without one the hint names ws', async () => {
    const transport = websocket({ url: 'ws://127.0.0.1:9/' });
    vi.stubGlobal('WebSocket', undefined);
    const { sink } = dial(transport);
    expect(await sink.isDown()).toMatchObject({
      kind: 'unsupported',
      error: { code: 'unsupported', hint: expect.stringContaining('ws') },
    });
  });

  test('a constructor that throws is reported without what it quotes', async () => {
    const { sink } = dial(
      websocket({
        url: 'wss://api.example/',
        WebSocket: class extends ScriptedSocket {
          constructor(url: string, protocols?: string[]) {
            super(url, protocols);
            throw new SyntaxError(`The subprotocol '${String(protocols)}' is invalid (${canary}).`);
          }
        },
      }),
      { token: canary },
    );
    const cause = await sink.isDown();
    expect(cause).toMatchObject({ kind: 'unsupported', error: { native: 'SyntaxError' } });
    expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
  });

  test.each([401, 403, 503, 200])(
    'an upgrade that is answered with %d is refused, since the status is invisible',
    async (status) => {
      for (const WebSocket of [globalThis.WebSocket, WsWebSocket]) {
        const server = await webSocketContractServer({ WebSocket });
        server.refuseUpgrades(status);
        const { sink, clock } = dial(server.transport(), { token: canary });
        const cause = await sink.isDown();
        expect(cause).toMatchObject({ kind: 'refused', error: { native: 1006 } });
        expect(inspect(cause, { depth: 12, showHidden: true })).not.toContain(canary);
        expect(clock.pending()).toBe(0);
        // Node's own WebSocket asks a second time after a 401
        if (WebSocket === WsWebSocket) expect(server.dialled()).toBe(1);
        await server.close();
      }
    },
  );

  test('is not made for a signal that has fired', async () => {
    const { sink, made } = script({}, { aborted: true });
    expect(await sink.isDown()).toEqual({ kind: 'aborted' });
    expect(made).toEqual([]);
  });

  test('when the link is over, only the listener that swallows errors is left', () => {
    for (const end of ['abort', 'close'] as const) {
      const { socket, abort } = scriptUp();
      expect(socket.listening).toHaveLength(4);
      if (end === 'abort') abort();
      else socket.ends(1000);
      expect(socket.listening).toEqual(['onerror']);
      expect(socket.closes).toEqual([1000]);
    }
  });

  test('an abort does not wait for the close event', async () => {
    const { socket, sink, abort } = scriptUp();
    await sink.isUp();
    abort();
    expect(sink.calls.at(-1)).toEqual({ kind: 'down', cause: { kind: 'aborted' } });
    const callCount = sink.calls.length;
    socket.says('[{"kind":"event","channel":"room","event":"late","data":1}]');
    socket.ends(1006);
    expect(sink.calls).toHaveLength(callCount);
  });
});

describe('messages', () => {
  test('bytes are no event for the keepwire dialect, and the link goes on', async () => {
    const server = await webSocketContractServer();
    const { sink, abort } = dial(server.transport());
    await sink.isUp();
    server.pushRaw(new TextEncoder().encode('[]'));
    server.pushRaw('{"kind":"event","channel":"room","event":"single","data":1}');
    expect(await sink.untilEvents(1)).toMatchObject([{ event: 'single' }]);
    abort();
    await server.close();
  });

  test('bytes reach the dialect as an ArrayBuffer', () => {
    const { socket, sink } = script({ dialect: plainDialect });
    socket.opens();
    const bytes = new ArrayBuffer(3);
    socket.says(bytes);
    expect(socket.binaryType).toBe('arraybuffer');
    expect(sink.events().map(({ data }) => data)).toEqual([bytes]);
  });

  test.each<[name: string, fits: unknown, over: unknown]>([
    ['letters of one byte', 'x'.repeat(100), 'x'.repeat(101)],
    ['letters of two bytes', 'é'.repeat(50), 'é'.repeat(51)],
    ['letters of four bytes', '🌍'.repeat(25), '🌍'.repeat(26)],
    ['bytes', new ArrayBuffer(100), new ArrayBuffer(101)],
  ])('the limit counts the bytes of %s', async (_name, fits, over) => {
    const { socket, sink } = script({ dialect: plainDialect, maxMessageBytes: 100 });
    socket.opens();
    socket.says(fits);
    expect(sink.events()).toHaveLength(1);
    socket.says(over);
    expect(await sink.isDown()).toMatchObject({ kind: 'protocol', error: { code: 'too-large' } });
    expect(sink.events()).toHaveLength(1);
    expect(socket.closes).toEqual([1000]);
  });

  test('by default 1 MiB is the limit', async () => {
    const { socket, sink } = script({ dialect: plainDialect });
    socket.opens();
    socket.says('x'.repeat(1024 * 1024));
    expect(sink.events()).toHaveLength(1);
    socket.says('x'.repeat(1024 * 1024 + 1));
    expect((await sink.isDown()).kind).toBe('protocol');
  });

  test('one send is one message: an array, also for a single frame', async () => {
    const { socket, link } = scriptUp();
    await link.send([publish('p-1')]);
    await link.send([publish('p-2'), { kind: 'ping' }]);
    expect(socket.sent.map((text) => JSON.parse(text) as unknown)).toEqual([
      [publish('p-1')],
      [publish('p-2'), { kind: 'ping' }],
    ]);
  });

  test('several messages of one send leave in order', async () => {
    const { socket, link } = script({ dialect: plainDialect });
    socket.opens();
    await Promise.all([link.send([publish('p-1', 'a'), publish('p-2', 'b')]), link.send([publish('p-3', { c: 1 })])]);
    expect(socket.sent.slice(1)).toEqual(['a', 'b', '{"c":1}']);
  });

  test('a message without frames is a sign of life', () => {
    const { socket, sink } = scriptUp();
    const callCount = sink.calls.length;
    socket.says('[]');
    socket.says('[{"kind":"news-from-the-future"}]');
    expect(sink.calls.slice(callCount)).toEqual([{ kind: 'alive' }, { kind: 'alive' }]);
  });

  test('what the server could not read is reported', () => {
    const { socket, sink } = scriptUp();
    socket.says('{"kind":"garbled","message":"the message is not JSON"}');
    expect(sink.allFrames()).toMatchObject([{ kind: 'garbled', message: expect.stringContaining('the message is not JSON') }]);
  });

  test('a socket that is closing takes no more sends', async () => {
    const { socket, link } = scriptUp();
    socket.readyState = 2;
    await expect(link.send([publish('p-1')])).rejects.toMatchObject({ code: 'closed' });
    expect(socket.sent).toEqual([]);
  });

  test('data that is no JSON is refused before anything is sent', async () => {
    const { socket, link } = script({ dialect: plainDialect });
    socket.opens();
    const sentBefore = socket.sent.length;
    await expect(link.send([publish('p-1', 'fine'), publish('p-2', 1n)])).rejects.toMatchObject({ code: 'invalid-payload' });
    expect(socket.sent).toHaveLength(sentBefore);
  });

  test('a publish that the dialect has no message for is rejected, not lost', async () => {
    const dialect: Dialect = { ...plainDialect, encode: (frames) => plainDialect.encode(frames).slice(1) };
    const { socket, link } = script({ dialect });
    socket.opens();
    const receipts = await link.send([publish('p-1'), publish('p-2')]);
    expect(receipts.map(({ id, status }) => [id, status])).toEqual([
      ['p-1', 'rejected'],
      ['p-2', 'sent'],
    ]);
  });

  test('an opening that throws ends the link', async () => {
    const opening = (): never => {
      throw new Error('bug');
    };
    const { socket, sink } = script({ dialect: { ...plainDialect, opening } });
    socket.opens();
    expect(await sink.isDown()).toMatchObject({ kind: 'protocol', error: { cause: { message: 'bug' } } });
  });

  test('a server that speaks another version is not believed', async () => {
    const { socket, sink } = script();
    socket.opens();
    socket.says('[{"kind":"welcome","version":9}]' satisfies string);
    expect((await sink.isDown()).kind).toBe('protocol');
    expect(sink.calls.map(({ kind }) => kind)).toEqual(['down']);
  });

  test('all frames of one message arrive in one call', () => {
    const { socket, sink } = scriptUp();
    const frames: ServerFrame[] = [{ kind: 'pong' }, { kind: 'event', channel: 'room', event: 'a', data: 1 }];
    socket.says(JSON.stringify(frames));
    expect(sink.calls.at(-1)).toEqual({ kind: 'frames', batch: frames, cursor: undefined });
  });
});

describe('options', () => {
  const wrong: readonly [name: string, options: object][] = [
    ['no url', {}],
    ['an empty url', { url: '' }],
    ['an address that is none', { url: 'http://[oops' }],
    ['a scheme that cannot be used', { url: 'ftp://api.example/' }],
    ['no bytes allowed', { url: 'ws://x/', maxMessageBytes: 0 }],
    ['a size that is no number', { url: 'ws://x/', maxMessageBytes: Number.NaN }],
    ['a close code that is none', { url: 'ws://x/', closeCodes: { 200: 'lost' } }],
    ['a meaning that is none', { url: 'ws://x/', closeCodes: { 4000: 'toString' } }],
    ['a place that is none', { url: 'ws://x/', token: 'header' }],
  ];

  test.each(wrong)('%s is an invalid option', (_name, options) => {
    expect(() => websocket(options as WebSocketOptions)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });

  test('an error about the address does not quote it', () => {
    expect(() => websocket({ url: `ftp://api.example/?token=${canary}` })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(canary) }),
    );
  });

  test('the name is used for the transport and its errors', async () => {
    const { transport, socket, sink } = script({ name: 'backup' });
    socket.ends(1006);
    expect(transport.name).toBe('backup');
    const cause = await sink.isDown();
    expect(cause).toMatchObject({ error: { transport: 'backup' } });
    expect(RealtimeError.is('error' in cause && cause.error)).toBe(true);
  });
});
