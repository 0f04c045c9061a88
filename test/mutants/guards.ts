import type { Mutant } from './mutant.ts';

/** What keeps a token private, and a hostile server at bay. */
export const guards: readonly Mutant[] = [
  {
    name: 'the words of a server are shown with the token',
    file: 'transport/link.ts',
    find: 'const frames = cleanFrames(heard, secret);',
    replace: 'const frames = heard; void cleanFrames;',
    tests: ['security/canary.test.ts'],
  },
  {
    name: 'the reason of an end is shown with the token',
    file: 'transport/link.ts',
    find: 'error: cleanError(cause.error, secret)',
    replace: 'error: cause.error',
    tests: ['security/canary.test.ts'],
  },
  {
    name: 'what a failing provider quotes is shown',
    file: 'connection/auth.ts',
    find: 'hint }), lastToken);',
    replace: 'hint }), undefined);',
    tests: ['security/canary.test.ts'],
  },
  {
    name: 'a probe is shown the token that is renewed in place',
    file: 'connection/session.ts',
    find: 'frames: batch.map(withoutToken)',
    replace: 'frames: withoutToken ? batch : []',
    tests: ['security/canary.test.ts'],
  },
  {
    name: 'an error of reading quotes the content',
    file: 'transport/secret.ts',
    find: 'return cause instanceof SyntaxError ? undefined : cause;',
    replace: 'return cause;',
    tests: ['security/limits.test.ts'],
  },
  {
    name: 'each ping of a server is answered',
    file: 'connection/session.ts',
    find: 'if (isAnswering) return;',
    replace: '',
    tests: ['security/hostile-server.test.ts'],
  },
  {
    name: 'each word to drain holds a timer',
    file: 'connection/session.ts',
    find: 'cancelDrain();',
    replace: '',
    tests: ['security/hostile-server.test.ts'],
  },
  {
    name: 'each hole dials a link at once',
    file: 'channel/joining.ts',
    find: 'if (waitMs <= 0 ||',
    replace: 'if (waitMs <= healPauseMs ||',
    tests: ['security/hostile-server.test.ts'],
  },
  {
    name: 'a position that the server refuses is sent for ever',
    file: 'transport/exchange.ts',
    find: 'request.positionRefused(channel);',
    replace: '',
    tests: ['security/limits.test.ts'],
  },
  {
    name: 'names of a server have any length',
    file: 'protocol/keepwire.ts',
    find: 'return isText(value) && value.length <= longestName;',
    replace: 'return isText(value) && longestName > 0;',
    tests: ['security/limits.test.ts'],
  },
];
