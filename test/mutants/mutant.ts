/** One safeguard that is switched off. */
export interface Mutant {
  /** What is off. */
  readonly name: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands exactly once in the file; a mutant that no longer fits fails loudly. Keep it short, so that it is easily mended. */
  readonly find: string;
  readonly replace: string;
  /** Below `test`: files of which at least one has to fail. */
  readonly tests: readonly string[];
}
