import { type Dialect, emit, jsonDialect, post, type ServerFrame, unchecked } from 'keepwire';
import type { Settings, Via, WireMessage, WirePerson } from '../server/notices.ts';

/** What travels, by name: first what the server says, then what we say. */
export const events = {
  message: unchecked<WireMessage>(),
  typing: unchecked<{ readonly key: string; readonly data: string; readonly isTyping: boolean }>(),
  settings_changed: unchecked<Settings>(),
  activity: unchecked<{ readonly message: WireMessage }>(),

  say: unchecked<string>(),
};

interface Wire extends Partial<WireMessage> {
  readonly type?: string;
  readonly channelId: string;
  readonly userId?: string;
  readonly name?: string;
  readonly isTyping?: boolean;
  readonly people?: readonly WirePerson[];
  readonly noticeId?: string;
}

/** The path of a channel. */
export const channelPath = (channelId: string): string => `/api/chat/channels/${encodeURIComponent(channelId)}`;

/**
 * How the desk speaks. Its messages are numbered in each channel, so that what is missing shows, whichever way they came; only the
 * joins differ from way to way.
 */
export function deskWire(via: Via): Dialect {
  return jsonDialect<Wire>({
    name: `desk over ${via}`,
    channel: 'channelId',
    offset: 'seq',
    at: 'createdAt',
    from: 'authorId',
    // the id that we gave it, so that our own message is known before its answer is here
    id: ({ clientId, noticeId }) => clientId ?? noticeId,
    data: ({ type, noticeId, ...rest }) =>
      rest.userId === undefined ? rest : { key: rest.userId, data: rest.name, isTyping: rest.isTyping },
    frames: (message, { event }) => framesOf(message, event),
    ...joins[via],
    publish: ({ channel, event, data, id: clientId }) =>
      event === 'say'
        ? post(`${channelPath(channel)}/messages`, { text: data, clientId })
        : post(`${channelPath(channel)}/typing`, { isTyping: (data as { isTyping?: boolean }).isTyping }),
    receipt: (answer, { event }) => ({
      status: 'accepted',
      ...(event === 'say' && { offset: (answer as { message: WireMessage }).message.seq }),
    }),
    honoursIds: true,
  });
}

const joins = {
  socket: {
    join: (channelId: string) => emit('join', { channelId }),
    leave: (channelId: string) => emit('leave', { channelId }),
    joinAnswer: (answer: unknown) => {
      const { ok, seq, error } = answer as { ok: boolean; seq?: number; error?: string };
      return { ok, offset: seq, error };
    },
  },
  // the stream of a channel begins with what was missed
  sse: { joined: 'ready', resume: 'channel' },
  polling: { resume: 'channel' },
} as const;

function framesOf(message: Wire, event = message.type): readonly ServerFrame[] | undefined {
  const { channelId: channel, people, seq } = message;
  if (event === 'presence' && people) {
    return [{ kind: 'presence', channel, sync: true, members: people.map(({ id, ...data }) => ({ key: id, data })) }];
  }
  // a poll for a channel whose number we do not know yet is told it
  if (event === 'ready' && message.type === 'ready') return [{ kind: 'joined', channel, epoch: '0', offset: seq }];
  return undefined;
}
