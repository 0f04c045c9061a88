import { textOf } from '../../../../../../../shared/http.ts';
import { numberOf, route } from '../../../../../../server/answer.ts';

export const GET = route(async ({ desk, user, channel, query }) => {
  await user();
  const range = { before: numberOf(query.get('before')), after: numberOf(query.get('after')) };
  return { messages: await desk.database.messages(await channel(), { ...range, limit: numberOf(query.get('limit')) ?? 50 }) };
});

export const POST = route(async ({ desk, user, channel, json }) => {
  const authorId = await user();
  const channelId = await channel();
  const body = await json();
  const clientId = typeof body['clientId'] === 'string' ? body['clientId'].slice(0, 64) : undefined;
  return { message: await desk.say({ channelId, authorId, text: textOf(body, 'text', 4_000), clientId }) };
});
