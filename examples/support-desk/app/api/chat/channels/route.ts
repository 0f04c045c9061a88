import { route } from '../../../../server/answer.ts';

export const GET = route(async ({ desk, user }) => {
  await user();
  return { channels: await desk.database.channels() };
});
