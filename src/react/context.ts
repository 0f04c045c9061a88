import { type EventSchemas, RealtimeError, type RealtimeManager } from 'keepwire';
import { createContext, createElement, type ReactNode, useContext } from 'react';

const Context = createContext<RealtimeManager | undefined>(undefined);

/** What {@link RealtimeProvider} takes. */
export interface RealtimeProviderProps<Schemas extends EventSchemas = EventSchemas> {
  /** Made outside of React, with `createRealtime`. The provider neither starts nor closes it. */
  readonly manager: RealtimeManager<Schemas>;
  /** The components that use it. */
  readonly children?: ReactNode;
}

/**
 * Gives a manager to the hooks below it.
 *
 * @example
 * ```tsx
 * const realtime = createRealtime({ transports: [websocket({ url: '/realtime' })] });
 * realtime.start();
 * root.render(<RealtimeProvider manager={realtime}><App /></RealtimeProvider>);
 * ```
 */
export function RealtimeProvider<Schemas extends EventSchemas = EventSchemas>({
  manager,
  children,
}: RealtimeProviderProps<Schemas>): ReactNode {
  // the payload types come back with the hooks of createHooks
  return createElement(Context.Provider, { value: manager as RealtimeManager<never> as RealtimeManager }, children);
}

/**
 * The manager of the nearest {@link RealtimeProvider}.
 *
 * @throws RealtimeError `invalid-option` without a provider above
 */
export function useRealtime<Schemas extends EventSchemas = EventSchemas>(): RealtimeManager<Schemas> {
  const manager = useContext(Context);
  if (manager === undefined) {
    throw new RealtimeError('invalid-option', 'a hook of keepwire/react found no manager', {
      hint: 'Put <RealtimeProvider manager={realtime}> above the components that use it.',
    });
  }
  return manager as RealtimeManager<never> as RealtimeManager<Schemas>;
}
