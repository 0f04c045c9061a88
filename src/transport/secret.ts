import { RealtimeError } from '../errors.ts';
import type { Receipt } from '../protocol/dialect.ts';
import type { ServerFrame } from '../protocol/frame.ts';

/** Words of a server are for people, and are kept in errors and lists: longer ones are cut to so many characters. */
const longestWords = 1_000;
/** What is shorter than this is no secret, and may be part of any sentence. */
const shortestSecret = 6;
/** So many messages of one batch that could not be read are told of; the next ones say nothing new. */
const mostGarbled = 10;

/** How a token may be written: as it is, in an address, in JSON. */
function spellingsOf(secret = ''): readonly string[] {
  return secret.length < shortestSecret ? [] : [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
}

function isQuoted(text: string, secret: string | undefined): boolean {
  return spellingsOf(secret).some((spelling) => text.includes(spelling));
}

/** What a server said, without the token that it may quote, and cut. */
function cleanText(text: string, secret: string | undefined): string {
  return spellingsOf(secret)
    .reduce((rest, spelling) => rest.replaceAll(spelling, '[token]'), text)
    .slice(0, longestWords);
}

/**
 * What is shown of an error of somebody else, such as that of `fetch`, which quotes an address or a header that it cannot
 * use, with the token in it.
 *
 * @returns the error itself, unless it or one underneath it quotes the secret
 */
export function withoutSecret(cause: unknown, secret: string | undefined): unknown {
  let inner = cause;
  // an error that names itself as its cause must not hold us
  for (let depth = 0; depth < 8 && inner !== undefined && inner !== null; depth += 1) {
    if (isQuoted(textOf(inner), secret)) return new Error('withheld, because it quotes the token');
    if (!(inner instanceof Error)) break;
    inner = inner.cause;
  }
  return cause;
}

function textOf(value: unknown): string {
  if (!(value instanceof Error)) return jsonOf(value);
  return `${value.message}\n${value.stack}\n${jsonOf(Object.values({ ...value, cause: undefined }))}`;
}

function jsonOf(value: unknown): string {
  try {
    return `${value} ${JSON.stringify(value)}`;
  } catch {
    return ''; // it cannot be shown as text, and so quotes nothing
  }
}

/** The same for an error of ours, which may have words of the server in it. */
export function cleanError(error: RealtimeError, secret: string | undefined): RealtimeError {
  const { code, message, hint, native, serverCode, transport, issues, cause } = error;
  const shown = withoutSecret(cause, secret);
  if (shown === cause && message.length <= longestWords && !isQuoted(`${message}\n${native}\n${serverCode}\n${hint}`, secret)) {
    return error;
  }
  const clean = <T>(text: T): T => (typeof text === 'string' ? (cleanText(text, secret) as T) : text);
  return new RealtimeError(code, clean(message), {
    hint: clean(hint),
    native: clean(native),
    serverCode: clean(serverCode),
    transport,
    issues,
    cause: shown,
  });
}

/** The same for what a server said of one send. */
export function cleanReceipt(receipt: Receipt, secret: string | undefined): Receipt {
  return receipt.status === 'rejected' ? cleanWords(receipt, secret) : receipt;
}

/** The same for a batch of frames: events, which are nearly all there is, pass as they are. */
export function cleanFrames(frames: readonly ServerFrame[], secret: string | undefined): readonly ServerFrame[] {
  if (frames.every(isEvent)) return frames;
  let garbled = 0;
  return frames.flatMap((frame) => {
    if (frame.kind === 'garbled' && ++garbled > mostGarbled) return [];
    return isEvent(frame) ? frame : cleanWords(frame, secret);
  });
}

/** What is said beside the data, cleaned. */
function cleanWords<Said extends object>(said: Said, secret: string | undefined): Said {
  const clean = { ...said } as Partial<Record<'code' | 'message' | 'reason', string>> & { cause?: unknown };
  for (const name of ['code', 'message', 'reason'] as const) if (clean[name]) clean[name] = cleanText(clean[name], secret);
  if (clean.cause)
    clean.cause = RealtimeError.is(clean.cause) ? cleanError(clean.cause, secret) : withoutSecret(clean.cause, secret);
  return clean as Said;
}

function isEvent({ kind }: ServerFrame): boolean {
  return kind === 'event';
}

/** What is shown of an error of reading: the engine's own quotes the content, which may be private. */
export function withoutContent(cause: unknown): unknown {
  return cause instanceof SyntaxError ? undefined : cause;
}
