import { type ComponentProps, type ReactNode, useEffect, useRef } from 'react';

/** Writes and sends: Enter sends, Shift and Enter breaks the line. Other attributes are those of the field. */
export function Composer({
  label,
  text,
  onText,
  onSend,
  hasFocus = true,
  children,
  onKeyDown,
  ...field
}: Omit<ComponentProps<'textarea'>, 'value' | 'onChange'> & {
  readonly label: string;
  readonly text: string;
  /** Gets what is written, and an empty text after it was sent. */
  readonly onText: (text: string) => void;
  readonly onSend: (text: string) => void;
  /** Whether one can write at once. */
  readonly hasFocus?: boolean;
  /** What stands before the field. */
  readonly children?: ReactNode;
}): ReactNode {
  const place = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // on a phone this would bring the keyboard up
    if (hasFocus && matchMedia('(hover: hover)').matches) place.current?.focus();
  }, [hasFocus]);
  const submit = (): void => {
    if (text.trim() === '') return;
    onSend(text.trim());
    onText('');
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {children}
      <textarea
        ref={place}
        rows={1}
        value={text}
        maxLength={4000}
        placeholder={label}
        aria-label={label}
        enterKeyHint="send"
        {...field}
        onChange={({ target }) => onText(target.value)}
        onKeyDown={(event) => {
          onKeyDown?.(event);
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
