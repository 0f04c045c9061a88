import { jwtVerify, SignJWT } from 'jose';

/** Signs and checks the tokens of one server. */
export interface Tokens {
  /** A token for a user. */
  sign(user: string): Promise<string>;
  /** The user of a token; `undefined` for one that is wrong, over or revoked. */
  verify(token: string | undefined): Promise<string | undefined>;
  /** No token of this user that was signed until now is good any longer. */
  revoke(user: string): void;
  /** Takes a revocation back, so that the user can sign in again. */
  pardon(user: string): void;
}

/**
 * JWTs signed with HS256.
 *
 * @param lifeS - how long a token is good, in seconds
 */
export function createTokens(secret: string, lifeS: number): Tokens {
  const key = new TextEncoder().encode(secret.padEnd(32, '.'));
  const revoked = new Set<string>();
  return {
    sign: (user) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user)
        .setIssuedAt()
        .setJti(crypto.randomUUID())
        .setExpirationTime(new Date(Date.now() + lifeS * 1000))
        .sign(key),
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token ?? '', key, { algorithms: ['HS256'], requiredClaims: ['sub', 'exp'] });
        const user = payload.sub ?? '';
        return revoked.has(user) ? undefined : user;
      } catch {
        return undefined; // whatever is wrong with it, it names nobody
      }
    },
    revoke: (user) => void revoked.add(user),
    pardon: (user) => void revoked.delete(user),
  };
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer (.+)$/.exec(header ?? '')?.[1];
}
