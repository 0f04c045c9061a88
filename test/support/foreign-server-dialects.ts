import { longPoll } from '../../src/adapters/long-poll.ts';
import { socketIo } from '../../src/adapters/socket-io.ts';
import { sse } from '../../src/adapters/sse.ts';
import { websocket } from '../../src/adapters/websocket.ts';
import type { Dialect } from '../../src/protocol/dialect.ts';
import type { PublishFrame } from '../../src/protocol/frame.ts';
import { emit, jsonDialect, post } from '../../src/protocol/json-dialect.ts';
import type { ReceiptInfo } from '../../src/protocol/json-options.ts';
import type { LinkRequest, Transport } from '../../src/transport/transport.ts';
import type { ForeignMessage } from './foreign-server.ts';

/** What handlers get, whichever way it came. */
export interface Line {
  readonly author: string;
  readonly text: string;
}

const textOf = ({ data }: PublishFrame): string => (data as { text: string }).text;

const byWebSocket: Dialect = jsonDialect({
  name: 'chat over WebSocket',
  open: ({ token }) => (token === undefined ? [] : [{ type: 'login', token }]),
  join: (room, position) => ({ type: 'subscribe', room, after: typeof position === 'object' ? position.offset : undefined }),
  leave: (room) => ({ type: 'unsubscribe', room }),
  publish: (frame) => ({ type: 'say', room: frame.channel, text: textOf(frame), ref: frame.id }),
  ignore: 'ping',
  joined: 'subscribed',
  ack: { when: 'ok', id: 'ref', offset: 'seq' },
  error: { when: 'error', id: 'ref' },
  channel: 'room',
  offset: 'seq',
  id: 'body.id',
  data: ({ body }) => lineOf(body as ForeignMessage),
  from: 'body.author',
  at: 'sent_at',
  resume: 'channel',
});

/** What the three younger ways in have in common: a message is the whole line. */
const line = {
  event: () => 'said',
  channel: 'room',
  offset: 'seq',
  id: 'id',
  data: lineOf,
  from: 'author',
  at: 'sent_at',
} as const;

const byHttp: Dialect = jsonDialect<ForeignMessage>({
  ...line,
  name: 'chat over HTTP',
  ignore: 'ping',
  publish: (frame) => post(`/rooms/${encodeURIComponent(frame.channel)}/messages`, { text: textOf(frame), ref: frame.id }),
  receipt: readAnswer,
  resume: 'connection',
});

const bySocketIo: Dialect = jsonDialect<ForeignMessage>({
  ...line,
  name: 'chat over Socket.IO',
  join: (room) => emit('join_room', { room }),
  leave: (room) => emit('leave_room', { room }),
  publish: (frame) => emit('room_message', { room: frame.channel, text: textOf(frame), ref: frame.id }),
  receipt: readAnswer,
});

/** The names of the four ways in. */
export type ForeignWay = 'websocket' | 'sse' | 'long-poll' | 'socket-io';

/** The four ways into a {@link startForeignServer}, as transports. */
export function foreignTransports(url: string): Record<ForeignWay, Transport> {
  const rooms = ({ channels }: LinkRequest): string => [...channels.keys()].map(encodeURIComponent).join(',');
  return {
    websocket: websocket({ url: `${url}/ws`, dialect: byWebSocket }),
    sse: sse({ url: (request) => `${url}/stream?rooms=${rooms(request)}`, sendUrl: url, dialect: byHttp }),
    'long-poll': longPoll({
      url: (request, waitMs) => `${url}/poll?rooms=${rooms(request)}&wait=${waitMs}`,
      sendUrl: url,
      dialect: byHttp,
      position: { in: 'query', name: 'after' },
      messages: (body) => (body as { messages: unknown[] }).messages,
      nextCursor: (body) => String((body as { last: number }).last),
    }),
    'socket-io': socketIo({ url, dialect: bySocketIo }),
  };
}

function lineOf({ author, text }: ForeignMessage): Line {
  return { author, text };
}

function readAnswer(answer: unknown): ReceiptInfo {
  const { ok = true, seq, error } = answer as { ok?: boolean; seq?: number; error?: string };
  return ok ? { status: 'accepted', offset: seq, epoch: '0' } : { status: 'rejected', code: error };
}
