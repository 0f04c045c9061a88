import type { ConnectionStatus, RealtimeManager } from 'keepwire';
import { type BindOptions, observe } from './observe.ts';

/** The options of {@link bindStatus}. */
export interface BindStatusOptions extends BindOptions {
  /** What to show for a status. @defaultValue the word itself, such as `connected` */
  readonly text?: (connection: ConnectionStatus) => string;
}

/**
 * Makes an element say how the connection is: its text, `role="status"`, and `data-status` and `data-transport` for your
 * styles.
 *
 * @returns what ends it; calling it twice is harmless
 * @example
 * ```ts
 * bindStatus(badge, realtime, { signal, text: ({ status, transport }) => `${status} ${transport ?? ''}` });
 * ```
 */
export function bindStatus(
  element: HTMLElement,
  { status }: Pick<RealtimeManager, 'status'>,
  { text = (connection) => connection.status, signal }: BindStatusOptions = {},
): () => void {
  element.setAttribute('role', 'status');
  element.dataset['keepwire'] = 'status';
  return observe(
    status,
    (connection) => {
      element.dataset['status'] = connection.status;
      element.dataset['transport'] = connection.transport ?? '';
      const next = text(connection);
      // the same text once more would be read out once more
      if (element.textContent !== next) element.textContent = next;
    },
    { signal },
  );
}
