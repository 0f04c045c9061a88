import type { Server } from 'node:http';
import type { Command } from '../messages.ts';

/** What a server says by itself. */
export type Update = 'session_update' | 'metrics_update';

/** How dashboards are connected: one form of it speaks WebSocket, the other Socket.IO. */
export interface Door {
  /** Tells everybody who has asked to be told. */
  tell(update: Update, data: unknown): void;
  /** How many connections there are. */
  count(): number;
  /** Ends all connections; dashboards come back, and begin again. */
  turnOver(): void;
  close(): Promise<void>;
}

/** What a door is made of. */
export interface DoorParts {
  readonly http: Server;
  /** Runs a command, and answers as it is told to the dashboard. */
  readonly run: (command: Command, sessionId: unknown) => Promise<CommandAnswer>;
  /** Are WebSockets turned away, as some networks do? */
  readonly isBlocked: () => boolean;
}

/** What became of a command. */
export type CommandAnswer = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** The commands that there are. */
export const commands: readonly string[] = ['end_session', 'archive_session'] satisfies Command[];
