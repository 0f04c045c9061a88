import { type ReactNode, useEffect, useRef, useState } from 'react';
import { say, tellTyping } from './portal.ts';
import { usePortal } from './store.ts';

/** While somebody writes, the others are told at most this often. */
const typingEveryMs = 2_000;

/** Writes and sends: Enter sends, Shift and Enter breaks the line, Escape makes a private message public again. */
export function Composer({
  chatId,
  title,
  onSend,
}: {
  readonly chatId: string;
  readonly title: string;
  readonly onSend: () => void;
}): ReactNode {
  const me = usePortal(({ session }) => session?.user.id);
  const people = usePortal(({ people }) => people);
  const [text, setText] = useState('');
  const [reader, setReader] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const lastTold = useRef(0);

  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
  }, []);

  const submit = (): void => {
    if (text.trim() === '') return;
    onSend();
    void say(chatId, text.trim(), reader ? [reader] : undefined);
    setText('');
    lastTold.current = 0;
  };

  return (
    <form
      className="composer"
      data-private={reader !== ''}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label className="for">
        <span className="dim">To</span>
        <select value={reader} aria-label="Who may read it" onChange={({ target }) => setReader(target.value)}>
          <option value="">everybody</option>
          {Object.entries(people)
            .filter(([id]) => id !== me)
            .map(([id, name]) => (
              <option key={id} value={id}>
                only {name}
              </option>
            ))}
        </select>
      </label>
      <textarea
        ref={field}
        rows={1}
        value={text}
        maxLength={4000}
        placeholder={`Write to ${title}`}
        aria-label={`Write to ${title}`}
        enterKeyHint="send"
        onChange={({ target }) => {
          setText(target.value);
          if (target.value === '' || Date.now() - lastTold.current < typingEveryMs) return;
          lastTold.current = Date.now();
          tellTyping(chatId);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setReader('');
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
