import { type ReactNode, useEffect, useRef, useState } from 'react';

/** Writes and sends: Enter sends, Shift and Enter breaks the line. */
export function Composer({
  room,
  isOpen,
  onSend,
  onType,
}: {
  readonly room: string;
  readonly isOpen: boolean;
  readonly onSend: (text: string) => void;
  readonly onType: (isTyping: boolean) => void;
}): ReactNode {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (isOpen && matchMedia('(hover: hover)').matches) field.current?.focus();
  }, [isOpen]);

  const submit = (): void => {
    if (text.trim() === '') return;
    onSend(text.trim());
    onType(false);
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
        placeholder={`Message #${room}`}
        aria-label={`Message #${room}`}
        enterKeyHint="send"
        onChange={({ target }) => {
          setText(target.value);
          onType(target.value.trim() !== '');
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
