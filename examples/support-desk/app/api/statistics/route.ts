import { route } from '../../../server/answer.ts';

export const GET = route(async ({ desk, user }) => {
  await user();
  return desk.statistics();
});
