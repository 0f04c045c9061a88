import { listen } from './signals.ts';

/** Whether somebody can see the application. Bring your own for React Native, or to count idle people as not looking. */
export interface Visibility {
  /** True while nobody can see it. */
  isHidden(): boolean;
  /** Calls back when {@link Visibility.isHidden} may have changed; the answer takes the listener away. */
  onChange(listener: () => void): () => void;
}

/** The visibility of the page; where there is none (Node, a worker), nothing is ever hidden. */
export const systemVisibility: Visibility = {
  isHidden: () => page()?.visibilityState === 'hidden',
  onChange: (listener) => listen(page(), 'visibilitychange', listener),
};

function page(): Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'> | undefined {
  return (globalThis as { document?: Document }).document;
}
