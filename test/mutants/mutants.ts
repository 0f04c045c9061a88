import { connecting } from './connection.ts';
import { guards } from './guards.ts';
import { inbound } from './inbound.ts';
import type { Mutant } from './mutant.ts';
import { outside } from './outside.ts';
import { sends } from './sends.ts';

/** Every safeguard on which a promise depends. */
export const mutants: readonly Mutant[] = [...inbound, ...sends, ...connecting, ...outside, ...guards];
