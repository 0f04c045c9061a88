import type { TypingState } from 'keepwire/react';
import { type ReactNode, useEffect, useRef } from 'react';

/** Writes and sends: Enter sends, Shift and Enter breaks the line. */
export function Composer({
  label,
  text,
  setText,
  onSend,
  typing,
}: {
  readonly label: string;
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly onSend: (text: string) => void;
  readonly typing: TypingState;
}): ReactNode {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
  }, []);
  const submit = (): void => {
    if (text.trim() === '') return;
    onSend(text.trim());
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
        placeholder={label}
        aria-label={label}
        enterKeyHint="send"
        {...typing.inputProps}
        onChange={({ target }) => setText(target.value)}
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
