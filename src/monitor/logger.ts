import { RealtimeError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { reportLine } from '../platform/report.ts';
import { aFlag, aFunction, checkOptions, type OptionRules, oneOf } from '../platform/rules.ts';
import type { Probe, ProbeEvent } from './probe.ts';
import { isSecret, redactor, type Secret } from './redact.ts';

/** How much a log line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One line of the log. */
export interface LogLine {
  /** How much it matters. */
  readonly level: LogLevel;
  /** When, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** What happened, for people. */
  readonly text: string;
  /** The same for machines: names, numbers and codes. */
  readonly fields: Readonly<Record<string, string | number | undefined>>;
}

/** The options of {@link logger}; none is needed. */
export interface LoggerOptions {
  /**
   * Lines below it are left out. `debug` has a line for each event, `info` one for each link and change of status, `warn`
   * what went wrong and heals, `error` what did not. `off`, or `undefined` as {@link debugLevel} answers, leaves out
   * everything.
   *
   * @defaultValue `'info'`
   */
  readonly level?: LogLevel | 'off' | undefined;
  /** Takes the lines. @defaultValue the console */
  readonly sink?: (line: LogLine) => void;
  /**
   * Texts and patterns that are replaced wherever they occur in a line, such as the token of the user or a mail address.
   * JSON Web Tokens are replaced in any case.
   */
  readonly redact?: readonly Secret[];
  /** Shows payloads too, as JSON of at most 200 characters. Only for a developer's own machine. @defaultValue `false` */
  readonly payloads?: boolean;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const rules: OptionRules<LoggerOptions> = {
  level: oneOf('off', ...levels),
  sink: aFunction,
  redact: ['a list of texts and patterns', (list) => Array.isArray(list) && list.every(isSecret)],
  payloads: aFlag,
};
/** A payload is shown up to here. */
const longestPayload = 200;

/**
 * A {@link Probe} that writes what happens. Payloads and tokens are in no line, unless payloads were asked for; what the
 * server says in its error messages is, so name what may be in there under `redact`.
 *
 * @throws RealtimeError `invalid-option` for a level that does not exist
 * @example
 * ```ts
 * const realtime = createRealtime({ transports, probe: logger({ level: 'debug', redact: [user.email] }) });
 * ```
 */
export function logger(options: LoggerOptions = {}): Probe {
  checkOptions('logger', options, rules);
  const { sink = reportLine, redact = [], payloads = false } = options;
  const level = 'level' in options ? (options.level ?? 'off') : 'info';
  const lowest = level === 'off' ? levels.length : levels.indexOf(level);
  const clean = redactor(redact);

  function write(lineLevel: LogLevel, at: number, text: string, fields: LogLine['fields']): void {
    if (levels.indexOf(lineLevel) < lowest) return;
    const cleaned = Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]);
    sink({ level: lineLevel, at, text: clean(text), fields: Object.fromEntries(cleaned) });
  }

  function payloadOf(data: unknown): Readonly<Record<string, string>> {
    return payloads ? { data: shown(data) } : {};
  }

  function note(event: ProbeEvent, clock: Clock): void {
    const wallMs = clock.wallNow;
    switch (event.kind) {
      case 'dialled':
        return write('info', wallMs(), `dialling ${event.transport}`, { link: event.link, transport: event.transport });
      case 'up':
        return write('info', wallMs(), `${event.transport} is up`, { link: event.link, transport: event.transport });
      case 'down': {
        const { link, transport, cause } = event;
        if (cause.kind === 'aborted') {
          return write('info', wallMs(), `${transport} was ended by us`, { link, transport, cause: cause.kind });
        }
        const { code, message } = cause.error;
        const isFinal = cause.kind === 'unauthorized' || cause.kind === 'forbidden' || cause.kind === 'dismissed';
        return write(isFinal ? 'error' : 'warn', wallMs(), `${transport} is down: ${message}`, {
          link,
          transport,
          cause: cause.kind,
          code,
        });
      }
      case 'measured':
        return write('debug', wallMs(), `round trip of ${Math.round(event.roundTripMs)} ms`, {
          link: event.link,
          transport: event.transport,
          roundTripMs: event.roundTripMs,
        });
      case 'sent':
        // sends have lines of their own
        for (const { kind, ...frame } of event.frames) {
          if (kind === 'publish') continue;
          const channel = 'channel' in frame ? frame.channel : undefined;
          write('debug', wallMs(), `sending ${kind}`, { link: event.link, transport: event.transport, frame: kind, channel });
        }
        return;
      case 'received':
        for (const frame of event.frames) {
          const { kind } = frame;
          const place = {
            link: event.link,
            transport: event.transport,
            frame: kind,
            channel: 'channel' in frame ? frame.channel : undefined,
          };
          if (kind === 'event') {
            const { event: name, id, offset, data } = frame;
            write('debug', wallMs(), `received ${name} on ${frame.channel}`, {
              ...place,
              event: name,
              id,
              offset,
              ...payloadOf(data),
            });
          } else if (kind === 'denied' || kind === 'garbled' || kind === 'reject') {
            write(
              'warn',
              wallMs(),
              `received ${kind}: ${frame.kind === 'garbled' ? frame.message : (frame.message ?? frame.code)}`,
              place,
            );
          } else {
            write('debug', wallMs(), `received ${kind}`, place);
          }
        }
        return;
      case 'duplicate': {
        const { channel, event: name, id, offset } = event.frame;
        return write('debug', wallMs(), `dropped a repeat of ${name} on ${channel}`, { channel, event: name, id, offset });
      }
      case 'handled': {
        const { channel, event: name, id, offset } = event.frame;
        const { durationMs } = event;
        // a handler that takes longer than a frame of the screen is felt
        const lineLevel = durationMs > 50 ? 'warn' : 'debug';
        const text = `the handlers of ${name} on ${channel} took ${Math.round(durationMs)} ms`;
        return write(lineLevel, wallMs(), text, { channel, event: name, id, offset, durationMs });
      }
      case 'publishing':
        return;
      case 'published':
        return published(event, clock);
      case 'fault':
        return write('warn', wallMs(), event.error.message, { code: event.error.code, transport: event.error.transport });
    }
  }

  function published({ frame, receipt }: Extract<ProbeEvent, { kind: 'published' }>, clock: Clock): void {
    const { channel, event, id, data } = frame;
    const startMs = clock.now();
    write('debug', clock.wallNow(), `publishing ${event} on ${channel}`, { channel, event, id, ...payloadOf(data) });
    receipt.then(
      () => {
        const durationMs = clock.now() - startMs;
        write('debug', clock.wallNow(), `${event} on ${channel} was accepted`, { channel, event, id, durationMs });
      },
      (error: unknown) => {
        const { code, message } = RealtimeError.from(error, 'rejected', 'no reason is known');
        const fields = { channel, event, id, durationMs: clock.now() - startMs, code };
        write('warn', clock.wallNow(), `${event} on ${channel} failed: ${message}`, fields);
      },
    );
  }

  return {
    note,
    attach(manager, { clock }) {
      manager.on('status', ({ status, transport, attempt, reason }) => {
        const text = status === 'failed' ? `failed: ${reason?.message ?? 'no reason is known'}` : status;
        write(status === 'failed' ? 'error' : 'info', clock.wallNow(), text, { status, transport, attempt, code: reason?.code });
      });
      manager.on('gap', ({ channel, reason, missing }) =>
        write('warn', clock.wallNow(), `events are missing on ${channel}: ${reason}`, { channel, reason, missing }),
      );
      manager.on('invalid', ({ channel, event, offset, error }) =>
        write('warn', clock.wallNow(), `${event} on ${channel} was set aside: ${error.message}`, {
          channel,
          event,
          offset,
          code: error.code,
        }),
      );
    },
  };
}

function shown(data: unknown): string {
  try {
    return (JSON.stringify(data) ?? '').slice(0, longestPayload);
  } catch {
    return 'not JSON';
  }
}
