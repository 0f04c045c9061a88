import type { Mutant } from './mutant.ts';

/** What comes from outside has limits. */
export const outside: readonly Mutant[] = [
  {
    name: 'redirects are followed, with the token',
    file: 'transport/exchange.ts',
    find: "redirect: 'manual'",
    replace: "redirect: 'follow'",
    tests: ['adapters/long-poll-server.test.ts', 'adapters/sse.test.ts', 'transport', 'faults'],
  },
  {
    name: 'a body may be endless',
    file: 'transport/exchange.ts',
    find: 'if (bytes > maxBytes) throw',
    replace: 'if (bytes < 0 && maxBytes) throw',
    tests: ['adapters/long-poll-server.test.ts', 'adapters/long-poll.test.ts', 'transport', 'faults'],
  },
  {
    name: 'a WebSocket message may be of any size',
    file: 'adapters/websocket.ts',
    find: 'if (!isLarger(data, maxMessageBytes)) gate.receive(data);',
    replace: 'if (data) gate.receive(data);',
    tests: ['adapters/websocket.test.ts'],
  },
  {
    name: 'a page of something else is read as an answer',
    file: 'transport/http.ts',
    find: 'if (wanted.test(type)) return;',
    replace: 'if (wanted) return;',
    tests: ['adapters/long-poll.test.ts', 'adapters/sse.test.ts', 'faults'],
  },
  {
    name: 'Retry-After has no limit',
    file: 'transport/http.ts',
    find: 'Math.min(delayMs, longestRetryAfterMs)',
    replace: 'delayMs',
    tests: ['transport'],
  },
  {
    name: 'a position with control characters goes into a header',
    file: 'transport/http.ts',
    find: "[...value].every((char) => char >= ' ' && char !== '\\x7f')",
    replace: '[...value].every((char) => char)',
    tests: ['transport', 'adapters/sse.test.ts', 'adapters/long-poll.test.ts'],
  },
  {
    name: 'a server that answers everything at once with nothing is asked without a pause',
    file: 'adapters/long-poll.ts',
    find: 'const pauseMs = idleCount < patience ? 0 :',
    replace: 'const pauseMs = idleCount >= 0 ? 0 :',
    tests: ['adapters/long-poll.test.ts', 'faults'],
  },
  {
    name: 'a link whose server does not greet is believed',
    file: 'transport/link.ts',
    find: "if (first.kind === 'welcome') {",
    replace: "if (first.kind) { up({}); return frames; } if (first.kind === 'welcome') {",
    tests: ['transport'],
  },
  {
    name: 'a channel has any name',
    file: 'realtime.ts',
    find: "assertName('a channel name', name);",
    replace: '',
    tests: ['manager', 'channel/channel.test.ts', 'channel/joining.test.ts'],
  },
  {
    name: 'the memory of ids has no bound',
    file: 'delivery/id-window.ts',
    find: 'if (young.size >= size) {',
    replace: 'if (young.size < 0) {',
    tests: ['delivery', 'channel/channel.test.ts', 'channel/joining.test.ts'],
  },
];
