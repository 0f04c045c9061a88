import type { TestProject } from 'vitest/node';
import { createServer } from '../../examples/server/server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The reference server that pages may use during the tests, and a token for it. */
    server: { readonly url: string; readonly token: string };
  }
}

/** Runs one reference server beside the browser tests. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await createServer();
  provide('server', { url: server.url, token: await server.signToken('ada') });
  return () => server.close();
}
