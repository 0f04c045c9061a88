import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Doors } from '../doors.ts';
import { answer, refuse, refuseLink, tokenOf } from '../http.ts';
import { asObject } from '../read.ts';

/** Sends by POST, for carriers that only receive: `{ client, frames }` in, a list of acks and rejections out. */
export function createSendCarrier({
  hub,
  gate,
  identify,
}: Doors): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    if (request.method !== 'POST') return refuse(response, 405, 'method', 'sends come by POST', { allow: 'POST' });
    const body = await gate.readBody(request, response);
    if (body === undefined) return;
    const { client, frames } = asObject(body.value) ?? {};
    if (typeof client !== 'string' || client.length === 0 || client.length > 256 || !Array.isArray(frames)) {
      return refuse(response, 400, 'bad-request', 'the body has to be {client, frames: [...]}');
    }
    const verdict = await identify(tokenOf(request), client);
    if (verdict.kind === 'out') return refuseLink(response, verdict.end);
    const answers = await hub.post(frames as readonly unknown[], verdict.identity, client);
    answer(response, 200, `[${answers.join(',')}]`);
  };
}
