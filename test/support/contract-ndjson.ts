import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ClientFrame } from 'keepwire';
import { type ContractAnswer, type ContractHello, type ContractServer, contractLedger } from 'keepwire/testing';
import { ndjson } from '../../examples/transport/ndjson.ts';

/** What the server says to a link that it does not let in. */
const refusals: Partial<Record<ContractAnswer, string>> = {
  unauthorized: '!token',
  forbidden: '!no',
  unavailable: '!later 7',
  garbage: '<html>Please log in</html>',
};

/** A contract server that speaks lines of JSON over TCP. */
export async function ndjsonContractServer(): Promise<ContractServer> {
  const ledger = contractLedger();
  const sockets = new Set<Socket>();
  const greeted = new Set<Socket>();

  const server = createServer((socket) => {
    sockets.add(socket);
    ledger.dialled += 1;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      greeted.delete(socket);
      ledger.changed();
    });
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(socket, JSON.parse(line));
    });
    ledger.changed();
  });

  function take(socket: Socket, message: ContractHello | ClientFrame[]): void {
    if (Array.isArray(message)) return say(socket, ledger.take(message));
    const refusal = refusals[ledger.next];
    if (refusal !== undefined) return void socket.end(`${refusal}\n`);
    if (ledger.next === 'silence') return;
    say(socket, ledger.greet(message));
    greeted.add(socket);
  }

  function say(socket: Socket, message: unknown): void {
    socket.write(`${JSON.stringify(message)}\n`);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const each = (action: (socket: Socket) => void): void => {
    for (const socket of greeted) action(socket);
  };
  return {
    transport: () => ndjson({ port }),
    answer: (next) => {
      ledger.next = next;
    },
    push: (frames) => each((socket) => say(socket, frames)),
    pushGarbage: () => each((socket) => socket.write('{"kind":\n')),
    end: () => each((socket) => socket.end()),
    cut: () => each((socket) => socket.resetAndDestroy()),
    sockets: () => sockets.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
