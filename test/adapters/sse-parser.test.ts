import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStreamReader } from '../../src/adapters/sse-parser.ts';

/** Event name, data, the stream's last event id at dispatch. */
type Dispatched = readonly [event: string, data: string, lastId: string];

interface Reading {
  readonly events: readonly Dispatched[];
  /** The last event id after all chunks. */
  readonly lastId: string;
  readonly retries: readonly number[];
  readonly isTooLarge: boolean;
}

const tooLarge = new Error('too large');
const onTooLarge = (): never => {
  throw tooLarge;
};
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(chunks: readonly Uint8Array[], maxEventBytes = 1_048_576): Reading {
  const events: Dispatched[] = [];
  const retries: number[] = [];
  let last = '';
  let isTooLarge = false;
  const feed = createStreamReader(
    {
      onId(id) {
        last = id;
      },
      onEvent: ({ event = 'message', data }) => events.push([event, data, last]),
      onRetry: (delayMs) => retries.push(delayMs),
      onSkipped: onTooLarge,
      onTooLarge,
    },
    maxEventBytes,
  );
  try {
    for (const chunk of chunks) feed(chunk);
  } catch (error) {
    if (error !== tooLarge) throw error;
    isTooLarge = true;
  }
  return { events, lastId: last, retries, isTooLarge };
}

/** Each byte alone, whole, and halved at every place. */
function* chunkings(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes];
  yield Array.from(bytes, (_, at) => bytes.slice(at, at + 1));
  for (let at = 1; at < bytes.length; at += 1) yield [bytes.slice(0, at), bytes.slice(at)];
}

describe('an event stream is read to the letter of WHATWG HTML 9.2.6', () => {
  const raw = (...parts: (string | number[])[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...bytesOf(part)] : part)));

  /** What the stream is, its bytes, its events, and its last event id at the end where it is not that of the last event. */
  const table: [string, Uint8Array, Dispatched[], string?][] = [
    ['one message', raw('data: a\n\n'), [['message', 'a', '']]],
    [
      'the example of the standard',
      raw(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n'),
      [
        ['message', 'first event', '1'],
        ['message', 'second event', ''],
        ['message', ' third event', ''],
      ],
    ],
    ['the stock example of the standard', raw('data: YHOO\ndata: +2\ndata: 10\n\n'), [['message', 'YHOO\n+2\n10', '']]],
    [
      'the example of empty data',
      raw('data\n\ndata\ndata\n\ndata:'),
      [
        ['message', '', ''],
        ['message', '\n', ''],
      ],
    ],
    [
      'the example of the one space',
      raw('data:test\n\ndata: test\n\n'),
      [
        ['message', 'test', ''],
        ['message', 'test', ''],
      ],
    ],
    ['a byte order mark', raw([0xef, 0xbb, 0xbf], 'data: a\n\n'), [['message', 'a', '']]],
    [
      'two byte order marks: the second spoils the first line',
      raw([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf], 'data: a\n\ndata: b\n\n'),
      [['message', 'b', '']],
    ],
    [
      'a byte order mark that is not at the start',
      raw('data: a\n\n', [0xef, 0xbb, 0xbf], 'data: b\n\ndata: c\n\n'),
      [
        ['message', 'a', ''],
        ['message', 'c', ''],
      ],
    ],
    ['a byte order mark in data', raw('data: ', [0xef, 0xbb, 0xbf], 'a\n\n'), [['message', '\uFEFFa', '']]],
    [
      'the characters of a byte order mark are no byte order mark',
      raw('\u00EF\u00BB\u00BFdata: a\n\ndata: b\n\n'),
      [['message', 'b', '']],
    ],
    [
      'a byte order mark, then its characters',
      raw([0xef, 0xbb, 0xbf], '\u00EF\u00BB\u00BFdata: a\n\ndata: b\n\n'),
      [['message', 'b', '']],
    ],
    ['CRLF', raw('data: a\r\ndata: b\r\n\r\n'), [['message', 'a\nb', '']]],
    ['bare CR', raw('data: a\rdata: b\r\r'), [['message', 'a\nb', '']]],
    [
      'LF CR is two line ends',
      raw('data: a\n\rdata: b\n\n'),
      [
        ['message', 'a', ''],
        ['message', 'b', ''],
      ],
    ],
    [
      'CR CR LF is two line ends',
      raw('data: a\r\r\ndata: b\n\n'),
      [
        ['message', 'a', ''],
        ['message', 'b', ''],
      ],
    ],
    ['CRLF CR', raw('data: a\r\n\rid: 1\r\r\n'), [['message', 'a', '']], '1'],
    [
      'all line ends mixed',
      raw('data: a\rdata: b\ndata: c\r\n\n\r\r\ndata: d\r\n\r'),
      [
        ['message', 'a\nb\nc', ''],
        ['message', 'd', ''],
      ],
    ],
    [
      'characters that end lines elsewhere',
      raw('data: a\u2028b\u2029c\u0085d\u000be\u000cf\n\n'),
      [['message', 'a\u2028b\u2029c\u0085d\u000be\u000cf', '']],
    ],
    ['comments', raw(':\n: x\n:data: no\ndata: a\n:id: no\n\n:\n\n'), [['message', 'a', '']]],
    ['fields without a colon', raw('data\nid\nevent\n\n'), [['message', '', '']]],
    ['an event field without a colon resets the name', raw('event: x\nevent\ndata: a\n\n'), [['message', 'a', '']]],
    ['only one leading space goes', raw('data:  a \nevent:  x \nid:  1 \n\n'), [[' x ', ' a ', ' 1 ']]],
    ['a leading tab stays', raw('data:\ta\n\n'), [['message', '\ta', '']]],
    ['colons in values', raw('data:a:b\ndata::\ndata: :\nid:1:2\nevent:x:y\n\n'), [['x:y', 'a:b\n:\n:', '1:2']]],
    ['a space before the colon makes another field', raw('data : a\n data: b\ndata: c\n\n'), [['message', 'c', '']]],
    ['names of fields are compared literally', raw('Data: a\nDATA: a\nEvent: x\nID: 1\ndata: b\n\n'), [['message', 'b', '']]],
    [
      'unknown fields, also those that begin like known ones',
      raw('foo: a\ndat: a\ndatax: a\nidx: 1\nidentity: 1\nevents: x\nretryx: 5\ndata: b\n\n'),
      [['message', 'b', '']],
    ],
    ['several lines of data', raw('data: a\ndata:\ndata: b\n\n'), [['message', 'a\n\nb', '']]],
    ['empty data is dispatched', raw('data:\n\n'), [['message', '', '']]],
    ['no data is not dispatched', raw('event: x\n\ndata: a\n\n'), [['message', 'a', '']]],
    ['the last event name of a block counts', raw('event: x\nevent: y\ndata: a\n\n'), [['y', 'a', '']]],
    [
      'the name is forgotten after dispatch',
      raw('event: x\ndata: a\n\ndata: b\n\n'),
      [
        ['x', 'a', ''],
        ['message', 'b', ''],
      ],
    ],
    [
      'the id outlives messages without one',
      raw('id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n'),
      [
        ['message', 'a', '1'],
        ['message', 'b', '1'],
        ['message', 'c', '2'],
      ],
    ],
    ['the last id of a block counts', raw('id: 1\nid: 2\ndata: a\n\n'), [['message', 'a', '2']]],
    [
      'an empty id resets',
      raw('id: 1\ndata: a\n\nid:\ndata: b\n\nid: 2\n\nid\n\ndata: c\n\n'),
      [
        ['message', 'a', '1'],
        ['message', 'b', ''],
        ['message', 'c', ''],
      ],
    ],
    [
      'an id with NUL is ignored',
      raw('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: 3\nid: \0\ndata: c\n\n'),
      [
        ['message', 'a', '1'],
        ['message', 'b', '1'],
        ['message', 'c', '3'],
      ],
    ],
    [
      'a block with only an id moves the last id',
      raw('data: a\n\nid: 7\n\ndata: b\n\nid: 8\n\n'),
      [
        ['message', 'a', ''],
        ['message', 'b', '7'],
      ],
      '8',
    ],
    ['NUL in data and names', raw('event: x\0\ndata: a\0\n\n'), [['x\0', 'a\0', '']]],
    ['the id of a block without an end is not used', raw('id: 1\ndata: a\n\nid: 2\ndata: b\n'), [['message', 'a', '1']], '1'],
    ['nor one whose line has no end', raw('id: 1\ndata: a\n\nid: 2'), [['message', 'a', '1']], '1'],
    ['a message without its blank line is dropped', raw('data: a\n\ndata: b\n'), [['message', 'a', '']]],
    ['UTF-8 of every length', raw('event: ü\nid: €\ndata: 🌍\n\n'), [['ü', '🌍', '€']]],
    ['invalid UTF-8 becomes U+FFFD', raw('data: ', [0xff, 0xfe], 'a', [0xc3], '\n\n'), [['message', '\uFFFD\uFFFDa\uFFFD', '']]],
    [
      'a character cut off by the line',
      raw('data: ', [0xf0, 0x9f], '\n\ndata: b\n\n'),
      [
        ['message', '\uFFFD', ''],
        ['message', 'b', ''],
      ],
    ],
    ['an encoded surrogate is invalid', raw('data: ', [0xed, 0xa0, 0x80], '\n\n'), [['message', '\uFFFD\uFFFD\uFFFD', '']]],
    [
      'names that mean something to JavaScript',
      raw('event: __proto__\nid: constructor\ndata: a\n\n'),
      [['__proto__', 'a', 'constructor']],
    ],
    ['nothing', raw(''), []],
    ['only blank lines', raw('\n\r\r\n\n\n'), []],
  ];

  for (const [name, bytes, events, lastId = events.at(-1)?.[2] ?? ''] of table) {
    test(name, () => {
      for (const chunks of chunkings(bytes)) expect(read(chunks)).toMatchObject({ events, lastId, isTooLarge: false });
    });
  }

  test('retry takes ASCII digits only', () => {
    const stream =
      'retry: 5\nretry:007\nretry: 1 \nretry: -1\nretry: 1.5\nretry: ٣\nretry\nretry:\nretry: 1e3\nretry:  5\nretry:10000\n';
    for (const chunks of chunkings(bytesOf(stream))) expect(read(chunks).retries).toEqual([5, 7, 10_000]);
  });

  test('the id that came with a message is told apart from the last id of the stream', () => {
    const told: unknown[] = [];
    const feed = createStreamReader(
      {
        onId: (id) => told.push(id),
        onEvent: ({ data, id }) => told.push([data, id]),
        onSkipped: onTooLarge,
        onRetry: () => undefined,
        onTooLarge,
      },
      1000,
    );
    feed(bytesOf('data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid:\ndata: d\n\n'));
    expect(told).toEqual([['a', undefined], '1', ['b', '1'], ['c', undefined], '', ['d', '']]);
  });
});

/** The algorithm of the standard, line by line and as slow as it is written there, on a stream that is all there. */
function readByTheStandard(bytes: Uint8Array): Reading {
  const events: Dispatched[] = [];
  const retries: number[] = [];
  let [data, name, idBuffer, lastId] = ['', '', '', ''];
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  // what follows the last line end is no line
  lines.pop();
  for (const line of lines) {
    if (line === '') {
      lastId = idBuffer;
      if (data !== '') events.push([name || 'message', data.slice(0, -1), lastId]);
      [data, name] = ['', ''];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') name = value;
    if (field === 'data') data += `${value}\n`;
    if (field === 'id' && !value.includes('\0')) idBuffer = value;
    if (field === 'retry' && /^[0-9]+$/.test(value)) retries.push(Number(value));
  }
  return { events, lastId, retries, isTooLarge: false };
}

describe('any stream in any chunks', () => {
  const piece = fc.constantFrom(
    ...[
      'data',
      'event',
      'id',
      'retry',
      'dat',
      'x',
      ':',
      ':',
      ' ',
      '\n',
      '\n',
      '\n\n',
      '\r',
      '\r\n',
      '\r\r',
      '\0',
      '1',
      '42',
      'ü',
      '🌍',
      '\uFEFF',
      '\u00EF\u00BB\u00BF',
    ],
    ...['data: a\n', 'data:b\n\n', 'id: 3\n', 'event: e\n', ': comment\n', 'id\n\n', 'retry: 10\n'],
  );
  const part = fc.oneof(
    { weight: 12, arbitrary: piece.map(bytesOf) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }) },
  );
  const stream = fc.array(part, { maxLength: 60 }).map((parts) => Uint8Array.from(parts.flatMap((bytes) => [...bytes])));

  test('is read as the standard says', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200), { maxLength: 30 }), (bytes, cuts) => {
        const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
        const chunks = places.slice(1).map((place, at) => bytes.slice(places[at], place));
        expect(read(chunks)).toEqual(readByTheStandard(bytes));
      }),
      { numRuns: 3000, seed: 20_260_923 },
    );
  });

  test('is read the same byte by byte', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        expect(read(Array.from(bytes, (_, at) => bytes.slice(at, at + 1)))).toEqual(readByTheStandard(bytes));
      }),
      { numRuns: 1000, seed: 7 },
    );
  });
});

describe('the limit', () => {
  const limit = 1000;

  test('a message of just the limit is read, one byte more is too large, in whatever chunks', () => {
    for (const [text, size] of [
      ['a', 1],
      ['ü', 2],
      ['€', 3],
    ] as const) {
      const fits = text.repeat(Math.floor(limit / size));
      const chunk = bytesOf(`event: name\nid: 12\ndata: ${fits}\n\n`);
      const tooLarge = bytesOf(`event: name\nid: 12\ndata: ${fits}${text}\n\n`);
      const inBytes = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (_, at) => bytes.slice(at, at + 1));
      for (const chunks of [[chunk], inBytes(chunk)])
        expect(read(chunks, limit)).toMatchObject({ events: [['name', fits, '12']], isTooLarge: false });
      for (const chunks of [[tooLarge], inBytes(tooLarge)])
        expect(read(chunks, limit)).toMatchObject({ events: [], isTooLarge: true });
    }
  });

  test('an endless line ends', () => {
    for (const start of ['data: ', 'id: ', 'event: ', 'retry: ']) {
      const reading = read([bytesOf(start), ...Array.from({ length: 100 }, () => bytesOf('x'.repeat(100)))], limit);
      expect(reading).toMatchObject({ events: [], isTooLarge: true });
    }
  });

  test('a block that never ends is too large', () => {
    expect(
      read(
        Array.from({ length: 2000 }, () => bytesOf('data: xxx\n')),
        limit,
      ),
    ).toMatchObject({ events: [], isTooLarge: true });
  });

  test('endless comments and unknown fields cost nothing, and the stream goes on', () => {
    const noise = bytesOf('x'.repeat(1000));
    for (const start of [':', 'unknown: ', 'datax: ']) {
      const reading = read([bytesOf(start), ...Array.from({ length: 1000 }, () => noise), bytesOf('\ndata: a\n\n')], limit);
      expect(reading).toMatchObject({ events: [['message', 'a', '']], isTooLarge: false });
    }
  });
});
