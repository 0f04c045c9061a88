import { type MemoryClient, type MemoryServer, memory } from '../../src/adapters/memory.ts';
import { RealtimeError } from '../../src/errors.ts';
import type { Greeting, Receipt } from '../../src/protocol/dialect.ts';
import type { ServerFrame } from '../../src/protocol/frame.ts';
import type { DownCause } from '../../src/transport/transport.ts';
import { createLedger, type Hello } from './contract-ledger.ts';
import type { ContractServer } from './contract-server.ts';

const transport = 'memory';

/** A contract server in the same process, that answers sends by receipts or by frames. */
export async function memoryContractServer(ack: 'receipt' | 'frame' = 'receipt'): Promise<ContractServer> {
  const ledger = createLedger();
  const clients = new Set<MemoryClient>();
  const greeted = new Set<MemoryClient>();
  let closed = false;

  const server: MemoryServer = {
    capabilities: { ack },
    accept(client: MemoryClient, { token, client: name, joins }: Greeting): void {
      if (closed) {
        client.close({ kind: 'refused', error: new RealtimeError('refused', 'the server is closed', { transport }) });
        return;
      }
      ledger.dialled += 1;
      clients.add(client);
      client.signal.addEventListener('abort', () => {
        clients.delete(client);
        greeted.delete(client);
        ledger.changed();
      });
      client.onframes = (frames) => {
        const answers = ledger.take(frames);
        const words = answers.filter((frame) => frame.kind === 'ack' || frame.kind === 'reject');
        client.send(ack === 'frame' ? answers : answers.filter((frame) => frame.kind !== 'ack' && frame.kind !== 'reject'));
        return ack === 'frame'
          ? undefined
          : words.map((word): Receipt => ({ ...word, status: word.kind === 'ack' ? 'accepted' : 'rejected' }));
      };
      const hello: Hello = {
        kind: 'hello',
        version: 1,
        client: name,
        token,
        channels: joins.map(({ kind: _, ...join }) => join),
      };
      const refusal = refusalOf(ledger.next);
      if (refusal !== undefined) client.close(refusal);
      else if (ledger.next === 'garbage') client.send('<html>' as never);
      else if (ledger.next === 'accept') {
        client.send(ledger.greet(hello));
        greeted.add(client);
      }
      ledger.changed();
    },
  };

  const end = (): void => {
    for (const client of clients) client.close();
  };
  const push = (frames: readonly ServerFrame[]): void => {
    for (const client of greeted) client.send(frames);
  };
  return {
    transport: () => memory({ server }),
    answer: (next) => {
      ledger.next = next;
    },
    push,
    pushGarbage: () => push('not a frame' as never),
    end,
    cut: end,
    sockets: () => clients.size,
    dialled: () => ledger.dialled,
    received: () => ledger.received,
    tokens: () => ledger.tokens,
    until: ledger.until,
    close: async () => {
      closed = true;
      end();
    },
  };
}

function refusalOf(answer: string): Exclude<DownCause, { kind: 'aborted' }> | undefined {
  switch (answer) {
    case 'unauthorized':
    case 'forbidden':
      return { kind: answer, error: new RealtimeError(answer, 'the server turned the client away', { transport }) };
    case 'unavailable':
      return { kind: 'refused', error: new RealtimeError('refused', 'the server is busy', { transport }), retryAfterMs: 7000 };
    default:
      return undefined;
  }
}
