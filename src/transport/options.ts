import { RealtimeError } from '../errors.ts';

/** The names of all options of a factory; the type keeps the list complete. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Refuses what is no object, and options that do not exist: a misspelt one would do nothing.
 *
 * @param factory - what was called, for the error
 * @throws RealtimeError `invalid-option`
 */
export function checkNames<Options>(factory: string, options: Options, names: OptionNames<Options>): void {
  if (typeof options !== 'object' || !options) {
    throw new RealtimeError('invalid-option', `${factory}() was called without options`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new RealtimeError('invalid-option', `${factory}() has no option ${name}`, {
      hint: `It has ${Object.keys(names).join(', ')}.`,
    });
  }
}
