import type { StoreApi } from 'zustand';
import type { Portal } from './realtime.ts';
import type { PortalState } from './store.ts';

/**
 * Feeds the store: how the connection is, and what is said in the chat that is shown, which is joined for just as long.
 *
 * @param reload - brings what the store has missed of a chat: this server replays nothing
 * @returns the remover
 */
export function feed(realtime: Portal, store: StoreApi<PortalState>, reload: (chatId: string) => void): () => void {
  const { received, typed, connectionChanged } = store.getState();
  let leave = (): void => {};
  const follow = (chatId: string | undefined): void => {
    leave();
    leave = () => {};
    if (chatId === undefined) return;
    const channel = realtime.channel(chatId);
    channel.on('new_message', (message) => received(chatId, message));
    channel.on('user_typing', ({ userId, isTyping }) => typed(chatId, userId, isTyping));
    channel.state.subscribe(({ status }) => status === 'joined' && reload(chatId));
    leave = channel.leave;
  };
  const stops = [
    realtime.status.subscribe(connectionChanged),
    store.subscribe(({ shown }, before) => shown !== before.shown && follow(shown)),
  ];
  follow(store.getState().shown);
  return () => {
    leave();
    for (const stop of stops) stop();
  };
}
