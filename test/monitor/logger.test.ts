import { createRealtime } from 'keepwire';
import { type LoggerOptions, type LogLine, logger } from 'keepwire/monitor';
import { fakeServer, manualClock } from 'keepwire/testing';
import { expect, onTestFinished, test, vi } from 'vitest';

const canary = 'canary-7f3a9c';
const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';

/** Everything that can be logged, with secrets wherever there can be some. */
async function live(options: LoggerOptions): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const clock = manualClock();
  const server = fakeServer({
    answer({ event }) {
      if (event === 'bad') throw new Error(`not for ada@example.org with ${jwt}`);
    },
  });
  const realtime = createRealtime({
    transports: [server.transport()],
    platform: { clock },
    auth: canary,
    retry: () => 1_000,
    probe: logger({ sink: (line) => lines.push(line), ...options }),
  });
  onTestFinished(() => realtime.close());
  const room = realtime.channel('room');
  room.on('message', () => {});
  realtime.start();
  await clock.advance(0);
  await room.publish('message', { text: canary });
  await room.publish('bad', { text: canary }).catch(() => {});
  server.refuse('refused');
  server.drop();
  await clock.advance(1_000);
  server.refuse('forbidden');
  await clock.advance(1_000);
  return lines;
}

test('each level has its lines, and those above', async () => {
  const texts = async (level: LoggerOptions['level']): Promise<string[]> => (await live({ level })).map(({ text }) => text);
  expect(await texts('error')).toEqual([
    'fake is down: the fake server turned the client away',
    'failed: the fake server turned the client away',
  ]);
  expect((await texts('warn')).slice(0, 3)).toEqual([
    'bad on room failed: the server rejected bad (rejected): not for ada@example.org with [redacted]',
    'fake is down: the server ended the link',
    'fake is down: the fake server turned the client away',
  ]);
  expect((await texts('info')).slice(0, 4)).toEqual(['dialling fake', 'connecting', 'fake is up', 'connected']);
  const debug = await texts('debug');
  expect(debug).toEqual(
    expect.arrayContaining([
      'publishing message on room',
      'received message on room',
      'message on room was accepted',
      'received joined',
    ]),
  );
  expect(debug.length).toBeGreaterThan((await texts('info')).length);
  expect(await texts('off')).toEqual([]);
  expect(await texts(undefined)).toEqual([]);
});

test('no payload and no token is in any line', async () => {
  const text = JSON.stringify(await live({ level: 'debug' }));
  expect(text).not.toContain(canary);
  expect(text).not.toContain('eyJ');
});

test('what is to be redacted is replaced wherever it stands', async () => {
  const text = JSON.stringify(await live({ level: 'debug', redact: ['room', /\w+@example\.org/] }));
  expect(text).not.toContain('room');
  expect(text).not.toContain('ada@');
  expect(text).toContain('publishing message on [redacted]');
});

test('a pattern is replaced at every place, whatever its flags', async () => {
  for (const pattern of [/message/, /MESSAGE/i, /message/y, /message/g]) {
    expect(JSON.stringify(await live({ level: 'debug', redact: [pattern] }))).not.toContain('"received message');
  }
});

test('payloads are shown when they are asked for, cut, and redacted too', async () => {
  const lines = await live({ level: 'debug', payloads: true });
  expect(lines.find(({ text }) => text === 'publishing message on room')?.fields['data']).toBe(`{"text":"${canary}"}`);
  const redacted = JSON.stringify(await live({ level: 'debug', payloads: true, redact: [canary] }));
  expect(redacted).not.toContain(canary);
});

test('without a sink the lines go to the console, at their level', async () => {
  const info = vi.spyOn(console, 'info').mockImplementation(() => {});
  const [warn, error] = [
    vi.spyOn(console, 'warn').mockImplementation(() => {}),
    vi.spyOn(console, 'error').mockImplementation(() => {}),
  ];
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  await live({ sink: undefined });
  expect(info).toHaveBeenCalledWith('[keepwire] fake is up', { link: 1, transport: 'fake' });
  expect(warn).toHaveBeenCalled();
  expect(error).toHaveBeenCalled();
});

test('a level that does not exist is refused', () => {
  expect(() => logger({ level: 'loud' as never })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
});
