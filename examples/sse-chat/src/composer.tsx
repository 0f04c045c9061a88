import { type ReactNode, useEffect, useRef, useState } from 'react';
import * as shared from '../../shared/react/composer.tsx';
import { say, tellTyping } from './chat.ts';

/** While somebody writes, the others are told at most this often; when nothing is written for longer, that it is over. */
const typingEveryMs = 2_000;
const typingEndsMs = 4_000;

/** Writes to a channel, and tells the others that we do. */
export function Composer({ id, name }: { readonly id: string; readonly name: string }): ReactNode {
  const [text, setText] = useState('');
  const lastTold = useRef(0);
  const ending = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => () => clearTimeout(ending.current), []);

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

  return (
    <shared.Composer
      label={`Write to #${name}`}
      text={text}
      onText={(text) => {
        setText(text);
        if (text === '') endTyping();
        else typed();
      }}
      onSend={(text) => {
        endTyping();
        void say(id, text);
      }}
    />
  );
}
