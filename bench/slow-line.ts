import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy that is so many milliseconds away, each way. The kernel answers a connect at once, however far the line is
 * meant to reach, so what a client says is held back until a handshake over the line would be through.
 */
export function createSlowLine(targetPort: number, delayMs: number): Server {
  return createServer((client) => {
    const server = connect(targetPort, '127.0.0.1');
    client.setNoDelay(true);
    server.setNoDelay(true);
    carry(client, server, delayMs, performance.now() + 2 * delayMs);
    carry(server, client, delayMs, 0);
  });
}

/** Carries bytes one way, in order; nothing counts as said before `earliestMs`. */
function carry(from: Socket, to: Socket, delayMs: number, earliestMs: number): void {
  const waiting: { readonly dueMs: number; readonly deliver: () => void }[] = [];

  const add = (deliver: () => void): void => {
    waiting.push({ dueMs: Math.max(performance.now(), earliestMs) + delayMs, deliver });
    if (waiting.length === 1) waitForFirst();
  };
  const waitForFirst = (): void => {
    const first = waiting[0];
    if (first !== undefined) setTimeout(deliverDue, Math.max(0, first.dueMs - performance.now()));
  };
  const deliverDue = (): void => {
    while (waiting[0] !== undefined && waiting[0].dueMs <= performance.now()) waiting.shift()?.deliver();
    waitForFirst();
  };

  from.on('data', (chunk) => add(() => to.write(chunk)));
  from.on('end', () => add(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroySoon());
}
