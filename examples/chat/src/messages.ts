import { RealtimeError } from 'keepwire';
import { useCallback, useEffect, useReducer } from 'react';
import { z } from 'zod';
import { channelOf, events, useChannel, useEvent, useRealtime } from './realtime.ts';

/** One message as the page shows it. */
export interface Message {
  /** Made by the sender; the same in the echo, so that nothing is shown twice. */
  readonly id: string;
  readonly text: string;
  readonly from: string;
  /** In milliseconds since the Unix epoch: the server's time, or ours until it has answered. */
  readonly at: number;
  readonly state: 'sent' | 'pending' | 'failed';
  /** The server has shown it to us: from then on its time and its number are the server's. */
  readonly isEchoed?: boolean;
  /** Its number in the room. */
  readonly offset?: number;
  /** Why it failed. */
  readonly problem?: string;
}

/** A room's conversation. */
export interface Conversation {
  /** Oldest first; what is not accepted yet comes last. */
  readonly messages: readonly Message[];
  /** False until the history is here. */
  readonly isLoaded: boolean;
  /** Shows the message at once, and sends it. */
  send(text: string): void;
  /** Sends a failed message again. */
  retry(message: Message): void;
  /** Takes a failed message away. */
  discard(message: Message): void;
}

interface State {
  readonly messages: readonly Message[];
  readonly isLoaded: boolean;
}

type Action =
  | { readonly kind: 'loaded'; readonly messages: readonly Message[] }
  | { readonly kind: 'put'; readonly message: Message }
  | { readonly kind: 'failed'; readonly id: string; readonly problem: string }
  | { readonly kind: 'discarded'; readonly id: string };

const historyLimit = 100;

const past = z.array(
  z.object({ id: z.string(), event: z.string(), data: z.unknown(), at: z.number(), from: z.string(), offset: z.number() }),
);

/** The conversation of a room: its history, what is new, and what we send. */
export function useConversation(room: string, me: string): Conversation {
  const realtime = useRealtime();
  const channel = useChannel(channelOf(room));
  const [state, act] = useReducer(reduce, { messages: [], isLoaded: false });

  useEvent(channel, 'message', ({ text }, { id = '', from = '', at = Date.now(), offset }) => {
    act({ kind: 'put', message: { id, text, from, at, offset, state: 'sent', isEchoed: true } });
  });

  useEffect(() => {
    if (channel === undefined) return;
    const ended = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const answer = await channel.request('history', { limit: historyLimit }, { signal: ended.signal });
        act({ kind: 'loaded', messages: past.parse(answer).flatMap(readMessage) });
      } catch {
        // without a history the conversation begins now
        if (!ended.signal.aborted) act({ kind: 'loaded', messages: [] });
      }
    };
    void load();
    // what could not be replayed is fetched
    realtime.on('gap', (gap) => gap.channel === channel.name && void load(), { signal: ended.signal });
    return () => ended.abort();
  }, [realtime, channel]);

  const deliver = useCallback(
    async (message: Message) => {
      if (channel === undefined) return;
      act({ kind: 'put', message });
      try {
        await channel.publish('message', { text: message.text }, { id: message.id });
        act({ kind: 'put', message: { ...message, state: 'sent' } });
      } catch (error) {
        act({ kind: 'failed', id: message.id, problem: RealtimeError.is(error) ? error.message : 'it could not be sent' });
      }
    },
    [channel],
  );

  return {
    ...state,
    send: (text) => void deliver({ id: newId(), text, from: me, at: Date.now(), state: 'pending' }),
    retry: (message) => void deliver({ ...message, state: 'pending', problem: undefined }),
    discard: ({ id }) => act({ kind: 'discarded', id }),
  };
}

function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case 'loaded':
      return { messages: sorted([...action.messages, ...unlike(state.messages, action.messages)]), isLoaded: true };
    case 'put': {
      const { message } = action;
      const before = state.messages.find(({ id }) => id === message.id);
      // the answer may come after the echo, which has the server's time
      if (before?.isEchoed && !message.isEchoed) return state;
      return { ...state, messages: sorted([...unlike(state.messages, [message]), message]) };
    }
    case 'failed':
      return {
        ...state,
        messages: state.messages.map((message) =>
          message.id === action.id && message.state === 'pending'
            ? { ...message, state: 'failed', problem: action.problem }
            : message,
        ),
      };
    case 'discarded':
      return { ...state, messages: state.messages.filter(({ id }) => id !== action.id) };
  }
}

/** The messages whose id is not among the others. */
function unlike(messages: readonly Message[], others: readonly Message[]): readonly Message[] {
  const ids = new Set(others.map(({ id }) => id));
  return messages.filter(({ id }) => !ids.has(id));
}

function sorted(messages: readonly Message[]): readonly Message[] {
  // our own clock may be wrong, so a message takes its place only with the server's time
  const rank = ({ isEchoed }: Message): number => (isEchoed ? 0 : 1);
  return messages.toSorted((a, b) => rank(a) - rank(b) || a.at - b.at || (a.offset ?? 0) - (b.offset ?? 0));
}

function readMessage({ id, event, data, at, from, offset }: z.infer<typeof past>[number]): Message[] {
  const message = events.message.safeParse(data);
  return event === 'message' && message.success
    ? [{ id, text: message.data.text, from, at, offset, state: 'sent', isEchoed: true }]
    : [];
}

/** `crypto.randomUUID` is missing on plain http. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('');
}
