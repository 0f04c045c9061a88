/** Shows an error that nobody listens for, so that it is not lost: on the console, as an uncaught one would be. */
export function reportUnheard(error: unknown): void {
  console.error(error);
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
