import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Doors } from '../doors.ts';
import { refuseLink, tokenOf } from '../http.ts';
import { createComposer } from '../outlet.ts';
import { streamOutlet } from './stream.ts';

/** Server-Sent Events: a stream of messages, each in the `data` of one event. Sends come by POST. */
export function createSseCarrier({
  hub,
  gate,
  identify,
}: Doors): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const compose = createComposer();
  // JSON has no line breaks, so one `data` line takes a message of any content
  const write = (frames: readonly string[]): readonly string[] => compose(frames).map((message) => `data: ${message}\n\n`);

  return async (request, response) => {
    const hello = await gate.readHello(request, response);
    if (hello === undefined) return;
    const verdict = await identify(tokenOf(request, hello.token), hello.client);
    if (verdict.kind === 'out') return refuseLink(response, verdict.end);
    if (response.destroyed) return;
    response.socket?.setNoDelay(true);
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      // nginx collects the bytes of a response otherwise
      'x-accel-buffering': 'no',
    });
    // a first byte at once: a client that sees none takes the path for one that buffers
    response.write(':\n\n');
    const session = hub.open({ carrier: 'sse', hello, identity: verdict.identity, outlet: streamOutlet(response, write) });
    response.on('close', () => session.close());
    response.on('error', () => session.close());
  };
}
