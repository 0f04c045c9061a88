import { HttpError } from '../../../../../shared/http.ts';
import { route } from '../../../../server/answer.ts';
import type { SocketReport } from '../../../../server/desk.ts';

/** The Socket.IO process tells who is connected, and gets the last number of each channel. */
export const POST = route(async ({ desk, request, json }) => {
  if (request.headers.get('x-desk-secret') !== desk.secret) throw new HttpError(403, 'this is for the Socket.IO process');
  const { sockets } = (await json()) as { sockets?: readonly SocketReport[] };
  return { positions: await desk.report(sockets ?? []) };
});
