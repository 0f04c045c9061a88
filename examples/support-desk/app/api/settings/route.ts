import { HttpError, textOf } from '../../../../shared/http.ts';
import { route } from '../../../server/answer.ts';
import type { Settings } from '../../../server/notices.ts';

const modes: readonly unknown[] = ['auto', 'socket', 'sse', 'polling'];

export const GET = route(async ({ desk, user }) => {
  await user();
  return desk.database.readSettings();
});

// whoever has signed in may do this here: ask for the role of your administrators
export const PUT = route(async ({ desk, user, json }) => {
  await user();
  const body = await json();
  const { connectionMode } = body;
  if (connectionMode !== undefined && !modes.includes(connectionMode)) throw new HttpError(422, 'there is no such mode');
  const socketUrl = body['socketUrl'] === undefined ? undefined : textOf(body, 'socketUrl', 200);
  if (socketUrl !== undefined && !/^https?:$/.test(URL.parse(socketUrl)?.protocol ?? '')) {
    throw new HttpError(422, 'the address must begin with http:// or https://');
  }
  return desk.changeSettings({ connectionMode: connectionMode as Settings['connectionMode'] | undefined, socketUrl });
});
