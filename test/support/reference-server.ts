import { onTestFinished } from 'vitest';
import { createServer, type ReferenceServer, type ServerOptions } from '../../examples/server/server.ts';

/** The reference server of `examples/server` on a free port, with what tests need around it. */
export interface TestServer extends ReferenceServer {
  readonly urls: {
    readonly websocket: string;
    readonly sse: string;
    readonly poll: string;
    readonly send: string;
    readonly status: string;
    readonly login: string;
    readonly cut: string;
    /** The origin: Socket.IO has its own path. */
    readonly socketIo: string;
  };
  /** Resolves when the condition holds; it is looked at whenever a link or a join comes or goes, or a send is answered. */
  until(condition: () => boolean): Promise<void>;
}

/**
 * Starts the reference server; it is closed when the test is over. Without options nobody needs a token and requests
 * (`reply: true`) are answered with their own data.
 */
export async function startReferenceServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = await createServer({ anonymous: true, guests: true, onRequest: ({ data }) => data, ...options });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= server.close();
    return closing;
  };
  onTestFinished(close);
  const base = `${server.url}/realtime`;
  return {
    ...server,
    close,
    urls: {
      websocket: base.replace('http', 'ws'),
      sse: `${base}/sse`,
      poll: `${base}/poll`,
      send: `${base}/send`,
      status: `${base}/status`,
      login: `${base}/login`,
      cut: `${base}/cut`,
      socketIo: server.url,
    },
    until(condition) {
      return new Promise((resolve) => {
        if (condition()) return resolve();
        const stop = server.observe(() => {
          if (!condition()) return;
          stop();
          resolve();
        });
      });
    },
  };
}
