/** Shows an error that nobody listens for, so that it is not lost: on the console, as an uncaught one would be. */
export function reportUnheard(error: unknown): void {
  console.error(error);
}

/**
 * Warns that a token travels in the clear: to another host than this machine, without TLS.
 *
 * @returns whether it did: once for each transport is enough
 */
export function warnIfPlain(address: string, transport: string): boolean {
  const host = /^(?:ws|http):\/\/(?!localhost\b|127\.|\[::1\])([^/?#]*@)?([^/?#]*)/i.exec(address)?.[2];
  if (host !== undefined)
    console.warn(`[keepwire] ${transport} sends the token in the clear to ${host}: use TLS (wss:, https:).`);
  return host !== undefined;
}

/** Writes one line of a log to the console, at its own level. */
export function reportLine({
  level,
  text,
  fields,
}: {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  fields: object;
}): void {
  console[level](`[keepwire] ${text}`, fields);
}
