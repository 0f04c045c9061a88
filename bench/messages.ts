/** Which of the two servers: one that gathers what is ready, or one that sends each frame alone. */
export type ServerName = 'reference' | 'replayer';

/** Where a slow line ends: at the reference server, at one that refuses every request, or at one that never says a word. */
export type LineEnd = 'reference' | 'refusing' | 'silent';

/** What the bench asks of the server process. */
export type ToServer =
  | {
      readonly kind: 'publish';
      readonly server: ServerName;
      readonly channel: string;
      readonly messages: number;
      readonly bytes: number;
    }
  /** Another line, so that no connection of an earlier one is used again. */
  | { readonly kind: 'slow-line'; readonly delayMs: number; readonly end: LineEnd };

/** What the server process answers. */
export type FromServer =
  | { readonly kind: 'ready'; readonly reference: number; readonly replayer: number }
  | { readonly kind: 'slow-line'; readonly port: number };
