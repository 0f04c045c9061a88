import { type ReactNode, useEffect, useRef, useState } from 'react';
import { say, tellTyping } from './chat.ts';

/** While somebody writes, the others are told at most this often; when nothing is written for longer, that it is over. */
const typingEveryMs = 2_000;
const typingEndsMs = 4_000;

/** Writes and sends: Enter sends, Shift and Enter breaks the line. */
export function Composer({ id, name }: { readonly id: string; readonly name: string }): ReactNode {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const lastTold = useRef(0);
  const ending = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
    return () => clearTimeout(ending.current);
  }, []);

  const endTyping = (): void => {
    clearTimeout(ending.current);
    if (lastTold.current > 0) tellTyping(id, false);
    lastTold.current = 0;
  };
  const typed = (): void => {
    clearTimeout(ending.current);
    ending.current = setTimeout(endTyping, typingEndsMs);
    if (Date.now() - lastTold.current < typingEveryMs) return;
    lastTold.current = Date.now();
    tellTyping(id, true);
  };
  const submit = (): void => {
    if (text.trim() === '') return;
    endTyping();
    void say(id, text.trim());
    setText('');
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={text}
        maxLength={4000}
        placeholder={`Write to #${name}`}
        aria-label={`Write to #${name}`}
        enterKeyHint="send"
        onChange={({ target }) => {
          setText(target.value);
          if (target.value === '') endTyping();
          else typed();
        }}
        onKeyDown={(event) => {
          // Enter also ends a composition, such as of Japanese
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <button className="primary" type="submit" disabled={text.trim() === ''}>
        Send
      </button>
    </form>
  );
}
