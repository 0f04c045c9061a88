import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';
import { entries, importName } from '../../scripts/entries.mjs';

const config: NextConfig = {
  serverExternalPackages: ['@electric-sql/pglite'],
  // the root of the repository checks the types of everything
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
  turbopack: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    // inside of its own repository the package is taken from its source; leave this out when you copy the example
    resolveAlias: Object.fromEntries(entries.map((entry) => [importName(entry), `../../${entry.source}`])),
  },
};

export default config;
