import type { Typing } from 'keepwire/typing';
import type { BindOptions } from './observe.ts';

/**
 * Makes a field say that we type: with each key; and that we stopped: when it is emptied or left, and when the binding ends.
 * With a page that is closed the connection ends at once, so there we expire at the others.
 *
 * @param input - an `input`, a `textarea` or what is `contenteditable`
 * @param typing - made by `typing` of `keepwire/typing`
 * @returns what ends it; calling it twice is harmless
 * @example
 * ```ts
 * bindTyping(input, typing(channel, { me, signal }), { signal });
 * ```
 */
export function bindTyping(
  input: HTMLElement,
  { keystroke, stop }: Pick<Typing, 'keystroke' | 'stop'>,
  { signal }: BindOptions = {},
): () => void {
  if (signal?.aborted) return () => {};
  const typed = (): void => {
    const text = 'value' in input ? input.value : input.textContent;
    if (text === '') stop();
    else keystroke();
  };
  const end = (): void => {
    input.removeEventListener('input', typed);
    input.removeEventListener('blur', stop);
    signal?.removeEventListener('abort', end);
    stop();
  };
  input.addEventListener('input', typed);
  input.addEventListener('blur', stop);
  signal?.addEventListener('abort', end);
  return end;
}
