import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readOptions, transports } from '../bench/options.ts';
import { firstNumber, payloadWriter } from '../bench/payload.ts';
import { rowsOf } from '../bench/rows.ts';

const bench = fileURLToPath(new URL('../bench/run.ts', import.meta.url));
const twoMinutes = 120_000;

describe('the bench', () => {
  test(
    'prints every row, and loses nothing',
    async () => {
      // it rejects when the exit code is not 0, with what was printed in the message
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [bench, '--quick'], { timeout: twoMinutes });

      const lines = stdout.split('\n');
      const names = [
        ...rowsOf(transports).map(({ name }) => name),
        ...transports.map((name) => `connect, ${name}`),
        'websocket refused',
        'websocket swallowed',
      ];
      const missing = names.filter((name) => !lines.some((line) => line.startsWith(`${name} `)));
      expect(missing).toEqual([]);
      expect(stdout).not.toContain('FAILED');
      expect(stdout).toContain('all messages arrived, each once and in order');
      expect(stderr).toBe('');
    },
    twoMinutes,
  );

  test('has a row for each transport and size, with a bar', () => {
    const barred = rowsOf(transports).filter(({ bar }) => bar !== undefined);
    const covered = new Set(barred.map(({ transport, bytes }) => `${transport} ${bytes}`));
    expect([...covered].sort()).toEqual(transports.flatMap((name) => [`${name} 100`, `${name} 1024`]).sort());
  });

  test.each([100, 1024])('writes payloads of %i bytes that are numbered', (bytes) => {
    const write = payloadWriter(bytes);
    for (const index of [0, 7, 249_999]) {
      const json = write(index);
      expect(Buffer.byteLength(json)).toBe(bytes);
      expect(JSON.parse(json)).toMatchObject({ n: firstNumber + index });
    }
  });

  test('measures nine rounds of 200,000 messages over all transports by default', () => {
    expect(readOptions([])).toMatchObject({ rounds: 9, messages: 200_000, transports });
    expect(readOptions(['--transport', 'sse', '--rounds', '11', '--messages', '5000'])).toMatchObject({
      rounds: 11,
      messages: 5000,
      transports: ['sse'],
    });
  });

  test.each([
    [['--rounds', '0']],
    [['--messages', 'many']],
    [['--messages', '99999999']],
    [['--transport', 'pigeon']],
    [['--fast']],
  ])('refuses %j', (args) => {
    expect(() => readOptions(args)).toThrow();
  });
});
