import { textOf } from '../../../../../shared/http.ts';
import { route } from '../../../../server/answer.ts';

export const POST = route(async ({ desk, json }) => {
  const name = textOf(await json(), 'name', 40);
  const id = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-');
  await desk.enter(id, name);
  return { token: await desk.tokens.sign(id), user: { id, name } };
});
