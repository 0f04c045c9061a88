'use client';

export { type Sender, useChannel, useEvent, useLatest, useMembers, useSend } from './channel.ts';
export { useConnection, useMode, useReadable } from './connection.ts';
export { RealtimeProvider, type RealtimeProviderProps, useRealtime } from './context.ts';
export type { ChannelLike } from './held.ts';
export { createHooks, type RealtimeHooks } from './hooks.ts';
export { PresenceIndicator, type PresenceIndicatorProps, TypingIndicator, type TypingIndicatorProps } from './indicators.ts';
export { type Messages, type MessagesOptions, useMessages } from './messages.ts';
export { RealtimeMonitor, type RealtimeMonitorProps } from './monitor.ts';
export { type People, type ReadMarks, type TypingState, usePresence, useReceipts, useTyping } from './people.ts';
export { useChannelReady } from './ready.ts';
export { RealtimeStatus, type RealtimeStatusProps } from './status.ts';
