'use client';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Chat } from './use-chat.ts';

/** Writes and sends: Enter sends, Shift and Enter breaks the line. */
export function Composer({
  chat,
  title,
  hasFocus,
}: {
  readonly chat: Chat;
  readonly title: string;
  readonly hasFocus: boolean;
}): ReactNode {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (hasFocus && matchMedia('(hover: hover)').matches) field.current?.focus();
  }, [hasFocus]);

  const submit = (): void => {
    if (text.trim() === '') return;
    chat.send(text.trim());
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
        placeholder={`Write to ${title}`}
        aria-label={`Write to ${title}`}
        enterKeyHint="send"
        {...chat.inputProps}
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
