import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** What a page says proves it: a file, and the title of a test in it. */
function proofsIn(text: string): { readonly file: string; readonly title: string }[] {
  return [...text.matchAll(/`(test\/[^`]+)`: \*(.+?)\*/g)].map(([, file = '', title = '']) => ({ file, title }));
}

describe.each(['docs/guarantees.md', 'docs/faults.md'])('%s', (page) => {
  const text = read(page);

  test('names tests that exist, by their titles', () => {
    const proofs = proofsIn(text);
    const wrong = proofs.filter(({ file, title }) => {
      if (!existsSync(new URL(file, root))) return true;
      const source = read(file);
      return !["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`));
    });
    expect(wrong).toEqual([]);
    // each mention of a test file is one that is looked at
    expect(text.match(/`test\//g)).toHaveLength(proofs.length);
  });

  test('leaves no line without a proof', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| fault'));
    expect(rows.filter((row) => proofsIn(row).length === 0)).toEqual([]);
    const promises = text.split('\n## ').slice(1);
    expect(promises.filter((part) => proofsIn(part).length === 0)).toEqual([]);
  });
});

test('the limits that have an option say its real default', () => {
  const limits = read('docs/limits.md');
  for (const [option, file] of [
    ['maxMessageBytes', 'src/adapters/websocket.ts'],
    ['maxEventBytes', 'src/adapters/sse.ts'],
    ['maxBodyBytes', 'src/adapters/long-poll.ts'],
  ] as const) {
    expect(limits).toContain(`1 MiB, \`${option}\``);
    expect(read(file)).toContain(`${option} = 1_048_576`);
  }
  const numbers: [file: string, text: string, said: string][] = [
    ['src/protocol/frame.ts', 'longestName = 2048', '2,048 characters'],
    ['src/channel/names.ts', 'longestName = 256', '256 characters'],
    ['src/channel/members.ts', 'mostMembers = 10_000', '| 10,000 |'],
    ['src/channel/presence.ts', 'mostKnown = 10_000', '10,000 and those who are there'],
    ['src/transport/secret.ts', 'longestWords = 1_000', '1,000 characters'],
    ['src/transport/secret.ts', 'mostGarbled = 10', '10 are told of'],
    ['src/delivery/order.ts', 'mostPast = 8', '8 of a channel'],
    ['src/tabs/hub.ts', 'mostGuests = 64', '| 64 |'],
  ];
  for (const [file, text, said] of numbers) {
    expect(read(file)).toContain(text);
    expect(limits).toContain(said);
  }
});
