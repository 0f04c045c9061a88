import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Time } from './time.ts';

/** Who somebody is, as far as the server knows. */
export interface Identity {
  /** The user id; a made-up one for somebody without a token. */
  readonly user: string;
  /** When the token ends, in milliseconds since the Unix epoch. Absent without a token. */
  readonly expiresAt?: number;
  /** Everything that the token says; empty without a token. */
  readonly claims: JWTPayload;
}

/** What a token is worth. */
export type Verdict =
  | { readonly kind: 'known'; readonly identity: Identity }
  | { readonly kind: 'refused'; readonly status: 'expired' | 'refused'; readonly message: string };

/** Makes and checks tokens. */
export interface Auth {
  /** Makes a token for a user. */
  signToken(user: string, options?: SignOptions): Promise<string>;
  /** Checks a token. Without one, the client id stands for an anonymous user where that is allowed. */
  identify(token: string | undefined, client: string): Promise<Verdict>;
}

/** What goes into a token. */
export interface SignOptions {
  /** How long it is valid, in seconds. @defaultValue `3600` */
  readonly expiresInS?: number;
  /** More claims. */
  readonly claims?: JWTPayload;
}

/** JWTs signed with HS256. With `anonymous`, a token may be missing; a bad one is refused all the same. */
export function createAuth(secret: Uint8Array, anonymous: boolean, time: Time): Auth {
  return {
    signToken(user, { expiresInS = 3600, claims = {} } = {}) {
      const nowS = time.wallNow() / 1000;
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user)
        .setIssuedAt(Math.floor(nowS))
        .setExpirationTime(Math.floor(nowS + expiresInS))
        .sign(secret);
    },
    async identify(token, client) {
      if (token === undefined) {
        if (anonymous) return { kind: 'known', identity: { user: anonymousUser(client), claims: {} } };
        return { kind: 'refused', status: 'refused', message: 'a token is needed' };
      }
      try {
        const { payload } = await jwtVerify(token, secret, {
          // the algorithm is ours to choose, not the token's
          algorithms: ['HS256'],
          requiredClaims: ['sub', 'exp'],
          currentDate: new Date(time.wallNow()),
        });
        return { kind: 'known', identity: { user: payload.sub ?? '', expiresAt: (payload.exp ?? 0) * 1000, claims: payload } };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { kind: 'refused', status: 'expired', message: 'the token has ended' };
        return { kind: 'refused', status: 'refused', message: 'the token is not valid' };
      }
    },
  };
}

/** The client id itself is a secret between client and server, so others see only its hash. */
function anonymousUser(client: string): string {
  return `guest-${createHash('sha256').update(client).digest('hex').slice(0, 12)}`;
}
