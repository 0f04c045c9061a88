import type { ServerResponse } from 'node:http';
import type { Outlet } from '../outlet.ts';

/** The outlet of a streamed HTTP response. */
export function streamOutlet(response: ServerResponse, write: (frames: readonly string[]) => readonly string[]): Outlet {
  return {
    send(frames) {
      if (response.writableEnded || response.destroyed) return;
      for (const text of write(frames)) response.write(text);
    },
    waiting: () => response.writableLength,
    drained: () =>
      response.writableNeedDrain && !response.destroyed
        ? new Promise((resolve) => {
            const done = (): void => {
              response.off('drain', done);
              response.off('close', done);
              resolve();
            };
            response.on('drain', done);
            response.on('close', done);
          })
        : Promise.resolve(),
    end: () => void response.end(),
    cut: () => cutConnection(response),
  };
}

/** Breaks the connection of a response, as a broken network would. */
export function cutConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
  response.destroy();
}
