'use client';

export { type ChannelLike, type Sender, useChannel, useEvent, useMembers, useSend } from './channel.ts';
export { useConnection, useMode, useReadable } from './connection.ts';
export { RealtimeProvider, type RealtimeProviderProps, useRealtime } from './context.ts';
export { createHooks, type RealtimeHooks } from './hooks.ts';
export { RealtimeStatus, type RealtimeStatusProps } from './status.ts';
