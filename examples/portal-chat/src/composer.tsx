import { type ReactNode, useRef, useState } from 'react';
import * as shared from '../../shared/react/composer.tsx';
import { say, tellTyping } from './portal.ts';
import { usePortal } from './store.ts';

/** While somebody writes, the others are told at most this often. */
const typingEveryMs = 2_000;

/** Writes to everybody, or to one; Escape makes a private message public again. */
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
  const lastTold = useRef(0);

  return (
    <shared.Composer
      label={`Write to ${title}`}
      text={text}
      data-private={reader !== ''}
      onText={(text) => {
        setText(text);
        if (text === '' || Date.now() - lastTold.current < typingEveryMs) return;
        lastTold.current = Date.now();
        tellTyping(chatId);
      }}
      onSend={(text) => {
        onSend();
        void say(chatId, text, reader ? [reader] : undefined);
        lastTold.current = 0;
      }}
      onKeyDown={({ key }) => {
        if (key === 'Escape') setReader('');
      }}
    >
      <label className="for">
        <span className="dim">To</span>
        <select
          value={reader}
          aria-label="Who may read it"
          data-private={reader !== ''}
          onChange={({ target }) => setReader(target.value)}
        >
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
    </shared.Composer>
  );
}
