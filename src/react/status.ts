import type { ConnectionStatus } from 'keepwire';
import { createElement, type HTMLAttributes, type ReactNode } from 'react';
import { useConnection } from './connection.ts';

/** What {@link RealtimeStatus} takes: every attribute of a `span`, and what to show. */
export interface RealtimeStatusProps extends Omit<HTMLAttributes<HTMLSpanElement>, 'children'> {
  /** What to show for a status. @defaultValue the word itself, such as `connected` */
  readonly children?: (connection: ConnectionStatus) => ReactNode;
}

/**
 * A badge that says how the connection is, without any style: `role="status"`, and `data-status` and `data-transport` for
 * yours.
 *
 * @example
 * ```tsx
 * <RealtimeStatus className="badge">{({ status, transport }) => `${status} ${transport ?? ''}`}</RealtimeStatus>
 * ```
 */
export function RealtimeStatus({ children, ...attributes }: RealtimeStatusProps): ReactNode {
  const connection = useConnection();
  return createElement(
    'span',
    {
      role: 'status',
      'data-keepwire': 'status',
      'data-status': connection.status,
      'data-transport': connection.transport,
      ...attributes,
    },
    children === undefined ? connection.status : children(connection),
  );
}
