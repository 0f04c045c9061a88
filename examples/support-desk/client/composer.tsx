'use client';
import { type ReactNode, useState } from 'react';
import * as shared from '../../shared/react/composer.tsx';
import type { Chat } from './use-chat.ts';

/** Writes to a channel. */
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
  return (
    <shared.Composer
      label={`Write to ${title}`}
      text={text}
      hasFocus={hasFocus}
      onText={setText}
      onSend={chat.send}
      {...chat.inputProps}
    />
  );
}
