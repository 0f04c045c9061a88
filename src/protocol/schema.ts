import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type PayloadIssue, RealtimeError, type RealtimeErrorDetails } from '../errors.ts';

/**
 * The event map: for each event name the schema of its payload. Any library of the Standard Schema family fits: zod,
 * valibot, arktype and others, also mixed.
 *
 * @example
 * ```ts
 * const events = {
 *   message: z.object({ id: z.string(), text: z.string() }),
 *   typing: unchecked<{ userId: string }>(),
 * };
 * ```
 */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** The event names of an event map. */
export type EventName<Schemas extends EventSchemas> = Extract<keyof Schemas, string>;

/** What `publish` takes for an event, and what travels: the input of its schema. */
export type EventInput<Schemas extends EventSchemas, Name extends EventName<Schemas>> = StandardSchemaV1.InferInput<
  Schemas[Name]
>;

/** What handlers get for an event: the output of its schema, after defaults and transforms. */
export type EventOutput<Schemas extends EventSchemas, Name extends EventName<Schemas>> = StandardSchemaV1.InferOutput<
  Schemas[Name]
>;

/** What became of a payload. */
export type Validated =
  /** The schema took it, or none was asked; the data is what the schema made of it. */
  | { readonly kind: 'valid'; readonly data: unknown }
  /** The schema refused it or broke on it, or there is an event map and this event is not in it. */
  | { readonly kind: 'invalid'; readonly error: RealtimeError };

/** Checks payloads against an event map. */
export interface Validator {
  /** True when {@link Validator.validate} would pass the data through as it is; for the hot path. */
  needsNoCheck(event: string): boolean;
  /**
   * Checks one payload. The answer comes at once when the schema is synchronous, and as a promise when it is not. It
   * never throws and never rejects.
   *
   * A sender checks with the same schema and then sends its own data, not the answer's: the receiver's schema expects the
   * input.
   */
  validate(event: string, data: unknown): Validated | Promise<Validated>;
}

/** A schema of this vendor checks nothing. By name, so that a second copy of the package is recognised too. */
const trustedVendor = 'keepwire';

/** The most complaints that one error keeps; a refused list could have one for each of its elements. */
const mostIssues = 32;

/**
 * A schema that only types: nothing is checked and nothing is changed. For servers that you trust, and for events that
 * are too frequent to check.
 *
 * @example
 * ```ts
 * const events = { cursor: unchecked<{ x: number; y: number }>() };
 * ```
 */
export function unchecked<T>(): StandardSchemaV1<T> {
  return { '~standard': { version: 1, vendor: trustedVendor, validate: (value) => ({ value: value as T }) } };
}

/**
 * Makes the checker for an event map. Without a map every event passes unchecked; with one, an event that is not in it is
 * invalid.
 *
 * @throws RealtimeError `invalid-option` for an entry that is not a Standard Schema of version 1
 */
export function createValidator(schemas: EventSchemas | undefined): Validator {
  if (schemas === undefined) return { needsNoCheck: () => true, validate: (_, data) => ({ kind: 'valid', data }) };
  // a Map, since event names come from the server and may be `constructor` or `__proto__`
  const table = new Map(Object.entries(schemas).map(([event, schema]) => [event, standardOf(event, schema)]));
  let lastEvent: string | undefined;
  let isLastTrusted = false;

  return {
    needsNoCheck(event) {
      // events come in runs of one name
      if (event !== lastEvent) {
        lastEvent = event;
        isLastTrusted = table.get(event)?.vendor === trustedVendor;
      }
      return isLastTrusted;
    },
    validate(event, data) {
      const standard = table.get(event);
      if (!standard) return invalid(event, 'is not in the event map', { hint: 'Add it to `events`.' });
      const conclude = (result: StandardSchemaV1.Result<unknown>): Validated => {
        // the specification tells the two apart by the truth of `issues`, not by its presence
        if (!result.issues) return { kind: 'valid', data: result.value };
        const issues = result.issues.slice(0, mostIssues).map(readIssue);
        const { message = 'no reason was given', path = [] } = issues[0] ?? {};
        const where = path.length ? ` at ${path.map(String).join('.')}` : '';
        const more = result.issues.length > 1 ? ` (and ${result.issues.length - 1} more)` : '';
        return invalid(event, `was refused by its schema${where}: ${message}${more}`, { issues });
      };
      const broken = (cause: unknown): Validated => invalid(event, 'broke its schema, which threw', { cause });
      try {
        const result = standard.validate(data);
        return 'then' in result ? Promise.resolve(result).then(conclude).catch(broken) : conclude(result);
      } catch (cause) {
        return broken(cause);
      }
    },
  };
}

/** The part of a schema that the specification is about; some libraries hang it on a function. */
function standardOf(event: string, schema: StandardSchemaV1 | null | undefined): StandardSchemaV1.Props {
  const standard = schema?.['~standard'];
  if (standard?.version === 1 && typeof standard.validate === 'function') return standard;
  throw new RealtimeError('invalid-option', `events.${event} is not a Standard Schema of version 1`, {
    hint: 'Give a schema of zod, valibot or another Standard Schema library, or unchecked<T>().',
  });
}

/** A path segment is a key, or an object that holds one. */
function readIssue({ message, path = [] }: StandardSchemaV1.Issue): PayloadIssue {
  return { message, path: path.map((segment) => (typeof segment === 'object' ? segment.key : segment)) };
}

function invalid(event: string, what: string, details: RealtimeErrorDetails): Validated {
  // the name may come from the server, and be as long as it likes
  return { kind: 'invalid', error: new RealtimeError('invalid-payload', `the event ${event.slice(0, 64)} ${what}`, details) };
}
