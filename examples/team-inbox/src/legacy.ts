import { typing } from 'keepwire/typing';
import { conversationChannel } from './channels.ts';
import { inbox } from './realtime.ts';
import { session } from './session.ts';

/** The names that the files in `old/` still use. They are one of many users of the one connection. */
export const realtimeManager = {
  isConnected: (): boolean => wire().status.get().status === 'connected',
  subscribe(channel: string, event: string, callback: (data: unknown) => void): () => void {
    const handle = wire().channel(channel);
    handle.on(event, callback);
    return handle.leave;
  },
};

const writing = new Map<string, ReturnType<typeof typingIn>>();

export function subscribeToTyping(conversationId: string, callback: (names: readonly string[]) => void): () => void {
  const { typers, leave } = typingIn(conversationId);
  typers.subscribe((list) => callback(list.map(({ data }) => String(data))));
  return leave;
}

export function sendTypingIndicator(conversationId: string, isTyping: boolean): void {
  const mine = writing.get(conversationId) ?? typingIn(conversationId);
  writing.set(conversationId, mine);
  if (isTyping) return mine.keystroke();
  writing.delete(conversationId);
  mine.leave();
}

function typingIn(id: string) {
  const { user } = session() ?? { user: { org: 'none', id: 'nobody', name: 'Nobody' } };
  const handle = wire().channel(conversationChannel({ org: user.org, id }));
  return { ...typing(handle, { me: { key: user.id, data: user.name } }), leave: handle.leave };
}

// the old names know no types
const wire = () => inbox().realtime as unknown as import('keepwire').RealtimeManager;
