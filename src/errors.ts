/**
 * Every way in which keepwire can fail. The list is closed: a `switch` over it can be complete.
 *
 * | code | what happened |
 * |---|---|
 * | `invalid-option` | an option or an argument has a wrong value |
 * | `unsupported` | this transport or this platform cannot do what was asked |
 * | `aborted` | the caller's `AbortSignal` fired |
 * | `closed` | the manager or the channel was closed before or during the call |
 * | `timeout` | a deadline passed |
 * | `connection-lost` | an open link ended without being asked to |
 * | `refused` | the server, or the network before it, refused a link |
 * | `unauthorized` | the credentials are missing, expired or wrong |
 * | `forbidden` | the credentials are good and still not enough |
 * | `dismissed` | the server ended the link for good |
 * | `protocol` | bytes arrived that are not what was agreed |
 * | `too-large` | a message is over its size limit |
 * | `invalid-payload` | a schema refused the data of an event |
 * | `rejected` | the server refused one send or one join |
 * | `queue-full` | a bounded queue has no place left |
 * | `expired` | a send waited longer than it was allowed to |
 * | `unconfirmed` | a send left that must not be sent twice, and it is not known whether the server applied it |
 * | `signed-out` | the user signed out or became another one: what was theirs is not sent |
 * | `storage-degraded` | sends cannot be kept over a reload; sending goes on from memory |
 * | `handler-failed` | a handler of the application threw |
 */
export type RealtimeErrorCode =
  | 'invalid-option'
  | 'unsupported'
  | 'aborted'
  | 'closed'
  | 'timeout'
  | 'connection-lost'
  | 'refused'
  | 'unauthorized'
  | 'forbidden'
  | 'dismissed'
  | 'protocol'
  | 'too-large'
  | 'invalid-payload'
  | 'rejected'
  | 'queue-full'
  | 'expired'
  | 'unconfirmed'
  | 'signed-out'
  | 'storage-degraded'
  | 'handler-failed';

/** One complaint of a schema: what is wrong, and where in the payload. */
export interface PayloadIssue {
  /** What the schema says. */
  readonly message: string;
  /** The keys from the root of the payload to the wrong value; empty for the root itself. */
  readonly path: readonly PropertyKey[];
}

/** What {@link RealtimeError} is made of besides its code and message. */
export interface RealtimeErrorDetails {
  /** What the reader can do about it. */
  readonly hint?: string;
  /** The error underneath, kept as it was. */
  readonly cause?: unknown;
  /** The transport on which it happened, by name. */
  readonly transport?: string;
  /** The native close code, HTTP status or reason word, where there is one. */
  readonly native?: number | string;
  /** The server's own code for a refusal, where it gave one. */
  readonly serverCode?: string;
  /** The complaints of a schema, for `invalid-payload`. */
  readonly issues?: readonly PayloadIssue[];
}

const brand: unique symbol = Symbol.for('keepwire.RealtimeError') as never;

/**
 * The one error class of keepwire. The message begins with what failed; {@link RealtimeError.hint} says what to do;
 * `cause` keeps the error underneath. Tokens never occur in any of them.
 *
 * Use {@link RealtimeError.is} instead of `instanceof`: it also knows the errors of a second copy of the package.
 *
 * @example
 * ```ts
 * try {
 *   await channel.publish('message', { text: 'hello' });
 * } catch (error) {
 *   if (RealtimeError.is(error) && error.code === 'rejected') show(error.message);
 * }
 * ```
 */
export class RealtimeError extends Error {
  /** Which failure this is, from the closed list. */
  declare readonly code: RealtimeErrorCode;
  /** What the reader can do about it. */
  declare readonly hint: string | undefined;
  /** The transport on which it happened, by name. */
  declare readonly transport: string | undefined;
  /** The native close code, HTTP status or reason word, where there is one. */
  declare readonly native: number | string | undefined;
  /** The server's own code for a refusal, where it gave one. */
  declare readonly serverCode: string | undefined;
  /** The complaints of a schema, for `invalid-payload`; else empty. */
  declare readonly issues: readonly PayloadIssue[];

  /**
   * @param code - from the closed list
   * @param message - begins with what failed
   * @param details - hint, cause, transport, native code, schema issues
   */
  constructor(code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails = {}) {
    super(message, details);
    const { hint, transport, native, serverCode, issues = [] } = details;
    Object.assign(this, { name: 'RealtimeError', code, hint, transport, native, serverCode, issues });
    // an error that is sent to a log as JSON says what happened
    Object.defineProperties(this, { [brand]: { value: true }, message: { enumerable: true } });
  }

  /** True for every {@link RealtimeError}, also one made by another copy of the package. */
  static is(error: unknown): error is RealtimeError {
    return typeof error === 'object' && error !== null && brand in error;
  }

  /**
   * Turns whatever was thrown into a {@link RealtimeError}: one that is one already stays as it is, an `AbortError`
   * becomes `aborted`, anything else gets the given code and is kept as the cause.
   */
  static from(error: unknown, code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails = {}): RealtimeError {
    return convert(error, code, message, details);
  }
}

/** Apart, since a bundler renames a class that names itself, and consoles show that name. */
function convert(error: unknown, code: RealtimeErrorCode, message: string, details: RealtimeErrorDetails): RealtimeError {
  if (RealtimeError.is(error)) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new RealtimeError('aborted', `${message}: aborted`, { ...details, cause: error });
  }
  return new RealtimeError(code, message, { ...details, cause: error });
}
