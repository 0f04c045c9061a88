// The words that the pages have for what goes on.

/** How the connection is. */
export const statusWords = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Live',
  reconnecting: 'Reconnecting…',
  disconnected: 'Offline',
  failed: 'Disconnected',
};

/** When the next attempt is, by the clock; both in milliseconds since the Unix epoch. */
export function untilRetry(at: number | undefined, now: number): string {
  const seconds = at === undefined ? 0 : Math.ceil((at - now) / 1000);
  return seconds > 1 ? `Next try in ${seconds} s.` : 'Trying again…';
}

/** Who is typing; nothing where nobody is. */
export function whoTypes(names: readonly string[]): string {
  if (names.length === 0) return '';
  if (names.length > 2) return 'Several people are typing…';
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}
