import type { ClientFrame, PublishFrame, ServerFrame, Transport } from 'keepwire';
import { equal, holds } from './contract-check.ts';
import { type Dialled, type DialOptions, dial } from './contract-link.ts';
import type { ContractAnswer, ContractServer } from './contract-server.ts';

/** What one case works with: a server of its own, a transport that leads to it, and the links that it dials. */
export interface ContractBench {
  readonly server: ContractServer;
  readonly transport: Transport;
  /** Dials a link, which is aborted when the case is over. */
  start(options?: DialOptions): Dialled;
  /** The same, and waits until it is up. */
  startUp(options?: DialOptions): Promise<Dialled>;
  /** A fresh link that has been up and carried something: whatever was on its way to older links has arrived. */
  barrier(): Promise<void>;
  /** Waits until the server has no socket any more, and sees that no timer of the link is left. */
  untilFreed(link: Dialled): Promise<void>;
}

/** One case of the contract. */
export interface ContractCase {
  readonly name: string;
  /** The case is left out for carriers that cannot show this. */
  readonly needs?: keyof ContractGaps;
  run(bench: ContractBench): Promise<void>;
}

/** The cases that a carrier may be unable to show; the reason is for the reader. */
export interface ContractGaps {
  /** The carrier has no ordinary end, such as a close frame. */
  readonly end?: string;
  /** The carrier cannot be cut. */
  readonly cut?: string;
  /** The carrier cannot say when to come back. */
  readonly retryAfter?: string;
  /** Nothing that arrives on this carrier can be unreadable. */
  readonly garbage?: string;
}

/** A text that must turn up nowhere. */
export const canary = 'canary-7f3a9c';

/** Runs a case against a server of its own, and frees everything. */
export async function runCase(open: () => Promise<ContractServer>, run: ContractCase['run']): Promise<void> {
  const server = await open();
  const links: Dialled[] = [];
  const bench: ContractBench = {
    server,
    transport: server.transport(),
    start(options) {
      const dialled = dial(bench.transport, options);
      links.push(dialled);
      return dialled;
    },
    async startUp(options) {
      const dialled = bench.start(options);
      await dialled.sink.isUp();
      return dialled;
    },
    async barrier() {
      server.answer('accept');
      const link = await bench.startUp({ client: 'barrier' });
      await link.sink.until(() => link.sink.allFrames().some((frame) => frame.kind === 'joined'));
      server.push([eventOf('barrier')]);
      await link.sink.untilEvents(1);
      link.abort();
      await link.sink.isDown();
    },
    async untilFreed(link) {
      await server.until(() => server.sockets() === 0);
      equal(link.clock.pending(), 0, 'timers that are left');
    },
  };
  try {
    await run(bench);
  } finally {
    for (const link of links) link.abort();
    await server.close();
  }
}

/** No timer is left that could dial, and by the time that another link has worked there is no second dial. */
export async function expectOneDial({ server, barrier }: ContractBench, link: Dialled): Promise<void> {
  equal(link.clock.pending(), 0, 'timers that are left');
  await barrier();
  equal(server.dialled(), 2, 'links that were dialled');
}

/** Dials a link that is turned away. @returns the cause and its error */
export async function causeOf(
  { server, start, transport }: ContractBench,
  answer: ContractAnswer,
  options?: DialOptions,
): Promise<Exclude<Awaited<ReturnType<Dialled['sink']['isDown']>>, { kind: 'aborted' }>> {
  server.answer(answer);
  const link = start(options);
  const cause = await link.sink.isDown();
  equal(kindsOf(link), ['down'], 'the calls of the link');
  if (cause.kind === 'aborted') throw new Error('the cause is aborted, but nobody aborted the link');
  holds(cause.error.name === 'RealtimeError', 'the error of the cause is no RealtimeError');
  equal(cause.error.transport, transport.name, 'the transport that the error names');
  return cause;
}

/** The kinds of the calls that a link has made. */
export function kindsOf(link: Dialled): string[] {
  return link.sink.calls.map(({ kind }) => kind);
}

/** An event on the channel `room`. */
export function eventOf(name: string, data: unknown = null, offset?: number): Extract<ServerFrame, { kind: 'event' }> {
  return { kind: 'event', channel: 'room', event: name, data, ...(offset === undefined ? {} : { offset }) };
}

/** A send on the channel `room`. */
export function publishOf(id: string, name = 'message'): PublishFrame {
  return { kind: 'publish', id, channel: 'room', event: name, data: { id } };
}

/** The joins that arrived. */
export function joinsOf(server: ContractServer): Extract<ClientFrame, { kind: 'join' }>[] {
  return server.received().filter((frame) => frame.kind === 'join');
}

/** The ids of the sends that arrived. */
export function publishedIds(server: ContractServer): string[] {
  return server.received().flatMap((frame) => (frame.kind === 'publish' ? [frame.id] : []));
}
