import { z } from 'zod';
import { longPoll } from '../src/adapters/long-poll.ts';
import { socketIo } from '../src/adapters/socket-io.ts';
import { sse } from '../src/adapters/sse.ts';
import { websocket } from '../src/adapters/websocket.ts';
import { createRealtime, type EventSchemas, jsonDialect, type Transport, unchecked } from '../src/index.ts';
import type { Client, ClientRequest, OpenClient } from './client.ts';
import type { TransportName } from './options.ts';
import type { Payload } from './payload.ts';

const trusted = { message: unchecked<Payload>() };
const checked = { message: z.object({ n: z.number(), user: z.string(), text: z.string() }) };

/** How each transport is made for a server of the bench. */
export const makeTransport: Readonly<Record<TransportName, (url: string) => Transport>> = {
  websocket: (url) => websocket({ url: `${url}/realtime` }),
  sse: (url) => sse({ url: `${url}/realtime/sse`, sendUrl: `${url}/realtime/send` }),
  // the server ends an answer after the page of its log that brings it over 1 MiB, so an answer may be longer
  'long-poll': (url) => longPoll({ url: `${url}/realtime/poll`, sendUrl: `${url}/realtime/send` }),
  'socket-io': (url) => socketIo({ url, transports: ['websocket'] }),
};

/** The client with a typed bus whose payloads are trusted. */
export function typedClient(transport: TransportName): OpenClient {
  return (request) => open(request, makeTransport[transport](request.url), trusted);
}

/** The same with a schema that is asked for each message. */
export function checkingClient(transport: TransportName): OpenClient {
  return (request) => open(request, makeTransport[transport](request.url), checked);
}

/** For the server that gives ids and no numbers. */
export function foreignClient(request: ClientRequest): Client {
  const dialect = jsonDialect({ name: 'ids', event: 'type', channel: 'room', data: 'data', id: 'messageId', at: 'at' });
  return open(request, websocket({ url: `${request.url}/ids?channel=${request.channel}`, dialect }), trusted);
}

function open<Schemas extends EventSchemas>(
  { channel: name, take, failed }: ClientRequest,
  transport: Transport,
  events: Schemas,
): Client {
  const { promise: joined, resolve } = Promise.withResolvers<void>();
  const realtime = createRealtime<EventSchemas>({ transports: [transport], events });
  realtime.on('fault', failed);
  realtime.on('gap', ({ reason }) => failed(new Error(`there was a gap: ${reason}`)));
  realtime.on('invalid', ({ error }) => failed(error));
  realtime.on('status', ({ status, reason }) => {
    if (status === 'failed' || status === 'reconnecting') failed(reason ?? new Error(`the status is ${status}`));
  });
  const channel = realtime.channel(name);
  channel.on('message', (data) => take(data as Payload));
  channel.state.subscribe(({ status }) => {
    if (status === 'joined') resolve();
  });
  realtime.start();
  return {
    joined,
    complaints(messages) {
      const { received, delivered, duplicates, heals } = realtime.metrics();
      return Object.entries({ received, delivered, duplicates, heals }).flatMap(([what, count]) => {
        const wanted = what === 'received' || what === 'delivered' ? messages : 0;
        return count === wanted ? [] : [`${what} is ${count} and not ${wanted}`];
      });
    },
    close: () => realtime.close(),
  };
}
