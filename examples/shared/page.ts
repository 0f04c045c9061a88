import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { createLogger, createServer, type InlineConfig, type ProxyOptions, type UserConfig } from 'vite';

const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the page of an example says of itself. */
export interface PageOptions {
  /** The name of its folder. */
  readonly name: string;
  /** Paths that belong to the server, behind one origin with the page. */
  readonly paths: readonly string[];
  /** Packages that the page imports besides React; what Vite discovers later reloads the page. */
  readonly packages?: readonly string[];
  /** The scripts of its pages, to be ready for the first visit. @defaultValue `['./src/main.tsx']` */
  readonly scripts?: readonly string[];
}

/** Inside of its own repository the package is taken from its source; leave this out when you copy the example. */
export function sourceOfPackage(): { find: RegExp; replacement: string }[] {
  const { compilerOptions } = JSON.parse(readFileSync(from('../../tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> };
  };
  return Object.entries(compilerOptions.paths).map(([name, [source]]) => ({
    find: new RegExp(`^${name}$`),
    replacement: from(`../../${source}`),
  }));
}

/** The Vite configuration of an example. Its server is at `EXAMPLE_SERVER`. */
export function pageConfig({ name, paths, packages = [], scripts = ['./src/main.tsx'] }: PageOptions): UserConfig {
  const target = process.env['EXAMPLE_SERVER'] ?? 'http://127.0.0.1:4400';
  // to lose the server is what these pages are for; Vite would report each time
  const logger = createLogger('error');
  const { error } = logger;
  logger.error = (message, options) => {
    if (!message.includes('proxy')) error(message, options);
  };
  return {
    customLogger: logger,
    root: from(`../${name}`),
    cacheDir: from(`../../node_modules/.vite/${name}`),
    plugins: [react()],
    resolve: {
      alias: sourceOfPackage(),
    },
    optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime', ...packages] },
    server: {
      host: '127.0.0.1',
      fs: { allow: [from('../..')] },
      proxy: Object.fromEntries(paths.map((path) => [path, { target, ws: true, configure: passOnEnds }])),
      warmup: { clientFiles: [...scripts] },
    },
  };
}

/** Vite's proxy would keep a stream open whose server is gone, and the page would wait for what never comes. */
const passOnEnds: NonNullable<ProxyOptions['configure']> = (proxy) => {
  proxy.on('proxyRes', (answer, _, response) => answer.once('aborted', () => response.destroy()));
};

/** Serves the page of an example in front of its server. */
export async function startPage(options: { readonly name: string; readonly server: string; readonly port: number }): Promise<{
  readonly url: string;
  close(): Promise<void>;
}> {
  process.env['EXAMPLE_SERVER'] = options.server;
  const config: InlineConfig = {
    configFile: from(`../${options.name}/vite.config.ts`),
    server: { port: options.port },
    clearScreen: false,
  };
  const page = await createServer(config);
  const { httpServer } = await page.listen();
  const address = httpServer?.address();
  if (typeof address !== 'object' || address === null) throw new Error('the page has no address');
  return { url: `http://127.0.0.1:${address.port}/`, close: () => page.close() };
}

/** Starts an example: puts its page in front of its server. */
export async function startWithPage<Server extends { readonly url: string; close(): Promise<void> }>(
  name: string,
  server: Server,
  port: number,
): Promise<{ readonly url: string; readonly server: Server; close(): Promise<void> }> {
  const page = await startPage({ name, server: server.url, port });
  return {
    url: page.url,
    server,
    async close() {
      await server.close();
      await page.close();
    },
  };
}
