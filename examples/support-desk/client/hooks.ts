import { createHooks } from 'keepwire/react';
import type { events } from './wire.ts';

/** The hooks, with the events of the desk. */
export const { useChannel, useEvent, useRealtime } = createHooks<typeof events>();
