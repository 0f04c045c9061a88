import { describe, expect, test, vi } from 'vitest';
import { type AuthContext, type AuthProvider, createAuth } from '../../src/connection/auth.ts';
import { claimsOf } from '../../src/protocol/jwt.ts';
import { manualClock } from '../../src/testing/clock.ts';
import type { Credentials } from '../../src/transport/transport.ts';

/** A JWT with these claims; nobody looks at its signature. */
function jwt(claims: unknown): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `eyJhbGciOiJub25lIn0.${payload}.c2lnbmF0dXJl`;
}

const expOf = (token: string): number | undefined => claimsOf(token).exp;

function setup(provider: AuthProvider, timeoutMs = 10_000) {
  const clock = manualClock();
  const contexts: AuthContext[] = [];
  const auth = createAuth(
    (context) => {
      contexts.push(context);
      return provider(context);
    },
    clock,
    timeoutMs,
  );
  const ask = (reason: AuthContext['reason'] = 'connect'): Promise<Credentials | undefined> => {
    const answer = auth.credentials(reason);
    if (answer === undefined) throw new Error('no question was asked');
    return answer;
  };
  return { clock, auth, contexts, ask };
}

describe('without a provider', () => {
  test('there is nothing to wait for', () => {
    const auth = createAuth(undefined, manualClock(), 10);
    expect(auth.credentials('connect')).toBeUndefined();
    expect(auth.renewable).toBe(false);
    expect(() => auth.cancel()).not.toThrow();
  });
});

describe('with a fixed token', () => {
  test.each([
    ['token', { token: 'token' }],
    [
      { token: 'token', subject: 'ada', expiresAt: 5 },
      { token: 'token', subject: 'ada', expiresAt: 5 },
    ],
  ])('%j is given as it is', async (source, expected) => {
    const clock = manualClock();
    const auth = createAuth(source, clock, 10);
    expect(auth.renewable).toBe(false);
    expect(await auth.credentials('connect')).toEqual({ expiresAt: undefined, ...expected });
    expect(clock.pending).toBe(0);
  });

  test('is not given again once it was refused', async () => {
    const auth = createAuth('token', manualClock(), 10);
    auth.refuse({ token: 'token' });
    await expect(auth.credentials('connect')).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('a provider', () => {
  test('can renew', () => {
    expect(setup(() => 'a').auth.renewable).toBe(true);
  });

  test.each([
    ['at once', () => 'token'],
    ['later', async () => 'token'],
    ['as an object', async () => ({ token: 'token', expiresAt: undefined })],
  ])('answers %s', async (_, provider) => {
    const { ask, clock } = setup(provider);
    expect(await ask()).toEqual({ token: 'token', expiresAt: undefined });
    expect(clock.pending).toBe(0);
  });

  test.each([() => undefined, async () => undefined])('may have no credentials', async (provider) => {
    const { ask, clock } = setup(provider);
    expect(await ask()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test.each(['connect', 'reconnect', 'expiring'] as const)('is told the reason: %s', async (reason) => {
    const { ask, contexts } = setup(() => 'token');
    await ask(reason);
    expect(contexts).toEqual([{ reason, signal: expect.any(AbortSignal) }]);
  });

  test('is told that the last token was refused, until it gave another', async () => {
    let token = 'old';
    const { ask, auth, contexts } = setup(() => token);
    auth.refuse(await ask());
    token = 'new';
    await ask('reconnect');
    await ask('reconnect');
    expect(contexts.map(({ reason }) => reason)).toEqual(['connect', 'refused', 'reconnect']);
  });

  test('is asked once for callers at the same time', async () => {
    let serial = 0;
    const { ask, contexts } = setup(async () => {
      serial += 1;
      return `token ${serial}`;
    });
    const answers = await Promise.all([ask(), ask('reconnect'), ask('expiring')]);
    expect(answers.map((answer) => answer?.token)).toEqual(['token 1', 'token 1', 'token 1']);
    expect(contexts).toHaveLength(1);
    expect((await ask())?.token).toBe('token 2');
  });

  test('is asked again after it failed, also by those who heard of it together', async () => {
    const provider = vi.fn<AuthProvider>().mockRejectedValueOnce(new Error('down')).mockResolvedValue('token');
    const { ask } = setup(provider);
    const both = await Promise.allSettled([ask(), ask()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await ask())?.token).toBe('token');
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test.each([
    [
      'at once',
      () => {
        throw new Error('down');
      },
    ],
    [
      'later',
      async () => {
        throw new Error('down');
      },
    ],
  ])('that throws %s is refused, with its error as the cause', async (_, provider) => {
    const { ask, clock, contexts } = setup(provider);
    await expect(ask()).rejects.toMatchObject({
      code: 'refused',
      message: 'the auth provider failed',
      cause: new Error('down'),
    });
    expect(clock.pending).toBe(0);
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  test.each(['', 5, {}, { token: '' }, { token: 5 }])('that gives %j gives no token', async (answer) => {
    const { ask, clock } = setup(() => answer as never);
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^(invalid-option|refused)$/) });
    expect(clock.pending).toBe(0);
  });

  test.each(['', { token: '' }, { token: 5 }])('that gives %j is told what it must give', async (answer) => {
    const { ask } = setup(() => answer as never);
    await expect(ask()).rejects.toMatchObject({
      code: 'invalid-option',
      message: 'the auth provider gave no token',
    });
  });

  test('that gives the refused token again is refused itself, and the token is not shown', async () => {
    const { ask, auth } = setup(() => 'secret-token');
    auth.refuse(await ask());
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
    // it is not forgotten by being asked twice
    await expect(ask()).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('that was asked before the refusal and gives the refused token is refused', async () => {
    let give = (_: string): void => {};
    const { ask, auth, clock } = setup(() => new Promise((resolve) => (give = resolve)));
    const answer = ask();
    await clock.advance(0);
    auth.refuse({ token: 'old' });
    give('old');
    await expect(answer).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('that gives no answer in time is given up, and its signal fires', async () => {
    const { ask, clock, contexts } = setup(() => new Promise(() => {}), 3_000);
    const answer = ask();
    const settled = vi.fn();
    answer.catch(settled);
    await clock.advance(2_999);
    expect(settled).not.toHaveBeenCalled();
    expect(contexts[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    await expect(answer).rejects.toMatchObject({
      code: 'timeout',
      message: 'the auth provider gave no answer within 3000 ms',
    });
    expect(contexts[0]?.signal.aborted).toBe(true);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: 'timeout' });
    expect(clock.pending).toBe(0);
  });

  test('that answers after its time is not heard', async () => {
    let give = (_: string): void => {};
    const { ask, clock } = setup(() => new Promise((resolve) => (give = resolve)), 1_000);
    const answer = ask();
    answer.catch(() => {});
    await clock.advance(1_000);
    give('late');
    await expect(answer).rejects.toMatchObject({ code: 'timeout' });
  });

  test('that fails as its own signal fires has timed out all the same', async () => {
    const { ask, clock } = setup(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      1_000,
    );
    const answer = ask();
    answer.catch(() => {});
    await clock.advance(1_000);
    await expect(answer).rejects.toMatchObject({ code: 'timeout' });
  });

  test('is given up by cancel, and its signal fires', async () => {
    const { ask, auth, clock, contexts } = setup(() => new Promise(() => {}));
    const answer = ask();
    answer.catch(() => {});
    await clock.advance(0);
    auth.cancel();
    auth.cancel();
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect(contexts[0]?.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('its signal does not fire when it answered in time', async () => {
    const { ask, auth, clock, contexts } = setup(() => 'token');
    await ask();
    auth.cancel();
    await clock.advance(100_000);
    expect(contexts[0]?.signal.aborted).toBe(false);
  });
});

describe('the end of a token', () => {
  test('is read from a JWT, and given in milliseconds', async () => {
    const { ask } = setup(() => jwt({ exp: 1_700_000_000 }));
    expect((await ask())?.expiresAt).toBe(1_700_000_000_000);
  });

  test('that the provider gives counts more', async () => {
    const { ask } = setup(() => ({ token: jwt({ exp: 1 }), expiresAt: 99, subject: 'ada' }));
    expect(await ask()).toMatchObject({ expiresAt: 99, subject: 'ada' });
  });

  test('is read through every letter of base64url', () => {
    // these claims encode to both `-` and `_`
    const token = jwt({ n: '~~~???>>>~~~', exp: 7 });
    expect(token.split('.')[1]).toMatch(/-.*_|_.*-/);
    expect(expOf(token)).toBe(7_000);
  });

  test.each(['', 'a', 'ab', 'abc', 'abcd'])('is read whatever the length of the payload (%j)', (name) => {
    expect(expOf(jwt({ exp: 12, name }))).toBe(12_000);
  });

  test.each(['Zoë', '日本語', '🙂', '\u2028'])('is read from a payload with %j', (name) => {
    expect(expOf(jwt({ name, exp: 12.5 }))).toBe(12_500);
    expect(claimsOf(jwt({ sub: name })).sub).toBe(name);
  });

  test.each([
    'opaque',
    '',
    'a.b',
    'a..c',
    '.',
    'a.!!!.c',
    'v4.local.AAAA',
    `a.${Buffer.from('not json').toString('base64url')}.c`,
    jwt(null),
    jwt(5),
    jwt([]),
    jwt({}),
    jwt({ exp: '12' }),
    jwt({ exp: null }),
  ])('is not known of %j', (token) => {
    expect(expOf(token)).toBeUndefined();
  });
});

describe('a token that is over before it is used', () => {
  const at = (seconds: number): string => jwt({ exp: 1_700_000_000 + seconds });

  test.each([
    ['connect', 0.9, true],
    ['reconnect', -1, true],
    ['connect', 1, false],
    ['expiring', -1, false],
  ] as const)('on %s, %d s before its end, is asked for anew: %s', async (reason, seconds, isAsked) => {
    const { ask, contexts } = setup(({ reason: why }) => (why === 'expiring' && isAsked ? at(3_600) : at(seconds)));
    const given = await ask(reason);
    expect(contexts.map(({ reason: why }) => why)).toEqual(isAsked ? [reason, 'expiring'] : [reason]);
    expect(given?.token).toBe(isAsked ? at(3_600) : at(seconds));
  });

  test("is used all the same when there is no other: the clock that counts is the server's", async () => {
    const { ask, contexts } = setup(() => at(-100_000));
    expect((await ask())?.token).toBe(at(-100_000));
    expect(contexts).toHaveLength(2);
  });

  test('is used as it is when it is fixed', async () => {
    const auth = createAuth(at(-5), manualClock(), 10);
    expect((await auth.credentials('connect'))?.token).toBe(at(-5));
  });

  test('is asked for anew within the same deadline', async () => {
    const { ask, clock, contexts } = setup(({ reason }) => (reason === 'connect' ? at(-1) : new Promise(() => {})), 3_000);
    const answer = ask();
    answer.catch(() => {});
    await clock.advance(3_000);
    await expect(answer).rejects.toMatchObject({ code: 'timeout' });
    expect(contexts).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });
});

describe('whom a token is for', () => {
  function identities(...answers: (Credentials | string | undefined)[]) {
    const changes: unknown[] = [];
    const during: unknown[] = [];
    let serial = 0;
    const auth = createAuth(
      () => answers[serial++],
      manualClock(),
      1_000,
      (change) => {
        changes.push(change);
        during.push(auth.credentials('connect'));
      },
    );
    return { auth, changes, during, ask: async () => auth.credentials('connect'), asked: () => serial };
  }

  test('is read from a JWT, unless the provider says it', async () => {
    const { ask } = identities(jwt({ sub: 'ada' }), { token: jwt({ sub: 'ada' }), subject: 'bob' });
    expect((await ask())?.subject).toBe('ada');
    expect((await ask())?.subject).toBe('bob');
  });

  test.each([
    ['another subject', ['ada', 'bob'], [{ from: 'ada', to: 'bob' }]],
    ['the same subject', ['ada', 'ada'], []],
    ['no subject, and then the same again', ['ada', '', 'ada'], []],
    ['no subject, and then another', ['ada', '', 'bob'], [{ from: 'ada', to: 'bob' }]],
    ['nobody, and then another', ['ada', undefined, 'bob'], [{ from: 'ada', to: undefined }]],
    ['somebody after nobody', [undefined, 'ada'], []],
  ])('is compared with the last one: %s', async (_, subjects, expected) => {
    const answers = subjects.map((subject) =>
      subject === undefined ? undefined : { token: `of ${subject}`, ...(subject ? { subject } : {}) },
    );
    const { ask, changes } = identities(...answers);
    for (const _answer of answers) await ask();
    expect(changes).toEqual(expected);
  });

  test('is told before anybody gets the credentials, and whoever asks meanwhile gets them too', async () => {
    const { ask, during, asked } = identities({ token: 'a', subject: 'ada' }, { token: 'b', subject: 'bob' }, 'c');
    await ask();
    await ask();
    expect(await during[0]).toMatchObject({ token: 'b' });
    expect(asked()).toBe(2);
    expect((await ask())?.token).toBe('c');
  });

  test('does not matter after forget', async () => {
    const { ask, auth, changes } = identities({ token: 'a', subject: 'ada' }, { token: 'b', subject: 'bob' });
    await ask();
    auth.forget();
    await ask();
    expect(changes).toEqual([]);
  });
});
