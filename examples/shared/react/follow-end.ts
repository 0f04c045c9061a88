import { type RefCallback, type UIEvent, useCallback, useLayoutEffect, useRef } from 'react';

/** So near to its end a list is followed, in pixels. */
const nearPx = 40;

/** What {@link useFollowEnd} gives. */
export interface FollowEnd {
  /** For the element that scrolls. */
  readonly list: {
    readonly ref: RefCallback<HTMLElement>;
    readonly onScroll: (event: UIEvent<HTMLElement>) => void;
  };
  /** Goes to the end with the next change, wherever the reader is. */
  readonly follow: () => void;
}

/** Keeps a list at its end while its reader is there. */
export function useFollowEnd(): FollowEnd {
  const place = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const toEnd = useCallback((): void => {
    if (isAtEnd.current) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, []);

  // after every render, since whatever makes the list longer must keep its end in view
  useLayoutEffect(toEnd);

  const ref = useCallback(
    (element: HTMLElement | null) => {
      place.current = element;
      // and when the room for it changes: a banner above it, the keyboard of a phone
      const observer = new ResizeObserver(toEnd);
      if (element) observer.observe(element);
      return () => {
        place.current = null;
        observer.disconnect();
      };
    },
    [toEnd],
  );
  const onScroll = useCallback(({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: UIEvent<HTMLElement>): void => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearPx;
  }, []);
  const follow = useCallback((): void => {
    isAtEnd.current = true;
  }, []);
  return { list: { ref, onScroll }, follow };
}
