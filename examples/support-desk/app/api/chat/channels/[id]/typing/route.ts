import { route } from '../../../../../../server/answer.ts';

export const POST = route(async ({ desk, user, channel, json }) => {
  const userId = await user();
  desk.type(await channel(), userId, (await json())['isTyping'] === true);
  return {};
});
