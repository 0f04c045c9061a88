/** What a token says of itself. */
export interface Claims {
  /** Its end, in milliseconds since the Unix epoch. */
  readonly exp?: number;
  /** Whom it is for. */
  readonly sub?: string;
  /** Who gave it: a `sub` is one person only together with it. */
  readonly iss?: string;
}

/** What a JWT says of its end, of whom it is for and of who gave it; nothing for any other token. Source: RFC 7519, section 4.1. */
export function claimsOf(token: string): Claims {
  const payload = token.split('.')[1];
  if (payload === undefined) return {};
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const { exp, sub, iss } = (JSON.parse(new TextDecoder().decode(bytes)) ?? {}) as Readonly<Record<string, unknown>>;
    return {
      exp: typeof exp === 'number' ? exp * 1000 : undefined,
      sub: typeof sub === 'string' && sub ? sub : undefined,
      iss: typeof iss === 'string' ? iss : undefined,
    };
  } catch {
    return {}; // not a JWT, so it says nothing
  }
}
