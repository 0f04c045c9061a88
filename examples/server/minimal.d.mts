import type { Server } from 'node:http';

/** The smallest server that is of use: SSE and POST, no tokens. */
export function createMinimalServer(): Server;
