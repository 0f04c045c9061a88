import { type ReactNode, useState } from 'react';
import * as shared from '../../shared/react/composer.tsx';

/** Writes to a room. */
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
  return (
    <shared.Composer
      label={`Message #${room}`}
      text={text}
      hasFocus={isOpen}
      onText={(text) => {
        setText(text);
        onType(text.trim() !== '');
      }}
      onSend={onSend}
    />
  );
}
