import type { OpenClient } from './client.ts';
import type { ServerName } from './messages.ts';
import type { TransportName } from './options.ts';
import { checkingClient, foreignClient, typedClient } from './ours.ts';
import { openForeignWebSocket, rawClients } from './raw.ts';

/** One comparison. */
export interface Row {
  readonly name: string;
  readonly transport: TransportName;
  readonly server: ServerName;
  /** The size of the data of each message, as JSON. */
  readonly bytes: number;
  readonly raw: OpenClient;
  readonly ours: OpenClient;
  /** The least share of the bare client's throughput; rows without one are there to be looked at. */
  readonly bar: number | undefined;
}

const sizes = { '100 B': 100, '1 KB': 1024 } as const;
type Size = keyof typeof sizes;

const bars: Readonly<Record<TransportName, Readonly<Record<Size, number>>>> = {
  websocket: { '100 B': 0.9, '1 KB': 0.93 },
  sse: { '100 B': 0.88, '1 KB': 0.93 },
  'long-poll': { '100 B': 0.8, '1 KB': 0.8 },
  'socket-io': { '100 B': 0.85, '1 KB': 0.85 },
};

const shapes: Readonly<Record<ServerName, string>> = { replayer: 'alone', reference: 'gathered' };

/** All rows of the chosen transports. */
export function rowsOf(transports: readonly TransportName[]): readonly Row[] {
  return transports.flatMap((transport) => [
    ...(['100 B', '1 KB'] as const).flatMap((size) => [
      // an answer per message would measure HTTP requests
      ...(transport === 'long-poll' ? [] : [plainRow(transport, size, 'replayer')]),
      plainRow(transport, size, 'reference'),
    ]),
    ...(transport === 'websocket' ? extraRows : []),
  ]);
}

function plainRow(transport: TransportName, size: Size, server: ServerName): Row {
  return {
    name: `${transport}, ${size}, ${shapes[server]}`,
    transport,
    server,
    bytes: sizes[size],
    raw: rawClients[transport],
    ours: typedClient(transport),
    bar: bars[transport][size],
  };
}

const extraRows: readonly Row[] = [
  {
    name: 'websocket, 100 B, alone, by id',
    transport: 'websocket',
    server: 'replayer',
    bytes: 100,
    raw: openForeignWebSocket,
    ours: foreignClient,
    bar: undefined,
  },
  {
    name: 'websocket, 100 B, alone, zod',
    transport: 'websocket',
    server: 'replayer',
    bytes: 100,
    raw: rawClients.websocket,
    ours: checkingClient('websocket'),
    bar: undefined,
  },
];
