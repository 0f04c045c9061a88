import { numberOf, route } from '../../../../server/answer.ts';

/** What is new in some channels: `?channel=orders:12&channel=team`. */
export const GET = route(async ({ desk, user, query }) => {
  const userId = await user();
  const known = await desk.database.positions();
  const channels = new Map<string, number | undefined>();
  for (const wanted of query.getAll('channel').slice(0, 20)) {
    const [id = '', after = null] = wanted.split(':');
    if (Object.hasOwn(known, id)) channels.set(id, numberOf(after));
  }
  return { notices: await desk.poll(userId, channels) };
});
