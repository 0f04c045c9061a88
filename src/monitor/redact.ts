/** What must not be seen: a text as it is, or a pattern. */
export type Secret = string | RegExp;

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'string' || value instanceof RegExp;
}

/** Stands where something was taken out. */
const mark = '[redacted]';
/** A JSON Web Token begins with the base64 of `{"`; it is never wanted in a log. */
const tokenPattern = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** Makes a function that takes secrets out of texts, wherever they stand in them; JSON Web Tokens always. */
export function redactor(secrets: readonly Secret[]): (text: string) => string {
  const patterns = secrets
    .filter((secret) => secret !== '')
    .map((secret) =>
      typeof secret === 'string'
        ? secret
        : // without `g` only the first one would go, and with `y` only one at the beginning
          new RegExp(secret.source, `${secret.flags.replace(/[gy]/g, '')}g`),
    );
  return (text) =>
    patterns.reduce<string>((rest, pattern) => rest.replaceAll(pattern, mark), text.replaceAll(tokenPattern, mark));
}
