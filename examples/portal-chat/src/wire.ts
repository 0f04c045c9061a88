import { emit, jsonDialect, post, unchecked } from 'keepwire';

/** One message of a chat, as the server sends it. */
export interface WireMessage {
  readonly id: string;
  readonly from: string;
  readonly text: string;
  readonly at: number;
  readonly clientId?: string;
  readonly visibleTo?: readonly string[];
}

/** What travels, by name. */
export const events = {
  new_message: unchecked<WireMessage>(),
  user_typing: unchecked<{ readonly userId: string; readonly isTyping: boolean }>(),
  /** What we say. It leaves by REST, and comes back to everybody as `new_message`. */
  say: unchecked<{ readonly text: string; readonly visibleTo?: readonly string[] }>(),
};

/** How the portal's server speaks: rooms over Socket.IO, messages by REST. */
export const portal = jsonDialect<{ chatId: string; message?: WireMessage }>({
  name: 'portal',
  channel: 'chatId',
  id: ({ message }) => message?.id,
  data: ({ message, ...rest }) => message ?? rest,
  join: (chatId) => emit('join_chat', { chatId }),
  leave: (chatId) => emit('leave_chat', { chatId }),
  publish: ({ channel: chatId, event, data, id: clientId }) =>
    event === 'say'
      ? post(`/chat/${encodeURIComponent(chatId)}/messages`, { ...(data as object), clientId })
      : emit(event, { chatId, ...(data as object) }),
});
