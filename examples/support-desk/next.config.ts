import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Inside of its own repository the package is taken from its source; leave this out when you copy the example. */
function sourceOfPackage(): Record<string, string> {
  const { compilerOptions } = JSON.parse(readFileSync(from('../../tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> };
  };
  return Object.fromEntries(Object.entries(compilerOptions.paths).map(([name, [source]]) => [name, `../../${source}`]));
}

const config: NextConfig = {
  serverExternalPackages: ['@electric-sql/pglite'],
  // the root of the repository checks the types of everything
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
  turbopack: {
    root: from('../..'),
    resolveAlias: sourceOfPackage(),
  },
};

export default config;
