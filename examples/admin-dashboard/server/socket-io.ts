import { type Socket, Server as SocketIoServer } from 'socket.io';
import type { Command } from '../messages.ts';
import { commands, type Door, type DoorParts } from './door.ts';

/** The only room. */
const room = 'admin';
/** The events, by what they are called on a plain WebSocket. */
const names = { session_update: 'session-updated', metrics_update: 'metrics-updated' };

/** Socket.IO: `join-admin-room`, and commands with an acknowledgement. */
export function openSocketIo({ http, run, isBlocked }: DoorParts): Door {
  const io = new SocketIoServer(http, {
    allowRequest: (request, answer) => answer(null, !(isBlocked() && request.headers.upgrade !== undefined)),
  });

  io.on('connection', (socket: Socket) => {
    socket.on('join-admin-room', async (answer?: unknown) => {
      await socket.join(room);
      if (typeof answer === 'function') answer({ ok: true });
    });
    socket.on('leave-admin-room', () => void socket.leave(room));
    for (const command of commands) {
      socket.on(command, async (data: { session_id?: unknown } | undefined, answer?: unknown) => {
        const result = await run(command as Command, data?.session_id);
        if (typeof answer === 'function') answer(result);
      });
    }
  });

  return {
    tell: (update, data) => void io.to(room).emit(names[update], { data, timestamp: Date.now() }),
    count: () => io.engine.clientsCount,
    turnOver() {
      // the connection beneath: a Socket that the server disconnects is to stay away
      for (const socket of io.sockets.sockets.values()) socket.conn.close();
    },
    close: () => io.close(),
  };
}
