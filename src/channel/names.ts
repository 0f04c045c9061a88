import { RealtimeError } from '../errors.ts';

/** Channels, events and ids have names of at most so many characters. */
const longestName = 256;

/** @throws RealtimeError `invalid-option` for what is no text of 1 to 256 characters */
export function assertName(what: string, name: string): void {
  if (typeof name === 'string' && name !== '' && name.length <= longestName) return;
  throw new RealtimeError('invalid-option', `${what} must have 1 to ${longestName} characters`);
}
