import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromServer, LineEnd, ServerName, ToServer } from './messages.ts';

/** The servers, in a process of their own. */
export interface ServerProcess {
  readonly urls: Readonly<Record<ServerName, string>>;
  /** Lets a server send. */
  publish(server: ServerName, channel: string, messages: number, bytes: number): void;
  /** Opens a line to a server. @returns its address */
  slowLine(delayMs: number, end?: LineEnd): Promise<string>;
  stop(): void;
}

const startWithinMs = 30_000;

/** Starts the servers; they end with this process, on whichever way it ends. */
export async function startServers(failed: (error: Error) => void): Promise<ServerProcess> {
  // without our own flags: a profile is wanted of the client
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), { execArgv: [] });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  let isStopped = false;
  child.once('exit', (code, signal) => {
    if (!isStopped) failed(new Error(`the server process ended: ${code ?? signal}`));
  });
  const tell = (message: ToServer): void => void child.send(message);
  const hear = async (): Promise<FromServer> => {
    const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(startWithinMs) })) as [FromServer];
    return message;
  };

  const ready = await hear();
  if (ready.kind !== 'ready') throw new Error('the server process did not say that it is ready');
  return {
    urls: { reference: localhost(ready.reference), replayer: localhost(ready.replayer) },
    publish: (server, channel, messages, bytes) => tell({ kind: 'publish', server, channel, messages, bytes }),
    async slowLine(delayMs, end = 'reference') {
      const answer = hear();
      tell({ kind: 'slow-line', delayMs, end });
      const line = await answer;
      if (line.kind !== 'slow-line') throw new Error('the server process opened no line');
      return localhost(line.port);
    },
    stop() {
      isStopped = true;
      process.off('exit', stop);
      stop();
    },
  };
}

function localhost(port: number): string {
  return `http://127.0.0.1:${port}`;
}
