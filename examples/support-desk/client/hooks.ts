import { createHooks } from 'keepwire/react';
import type { events } from './wire.ts';

/** The hooks, with the events of the desk. */
export const { useEvent, useMessages } = createHooks<typeof events>();
