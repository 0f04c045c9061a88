import { playwright } from '@vitest/browser-playwright';
import { msw } from 'msw/vite';
import { defineConfig } from 'vitest/config';
import { chromiumArgs, findChromium } from './scripts/chromium.mjs';
import { entries, importName } from './scripts/entries.mjs';
import { pageCommands } from './test/browser/pages.ts';

const chromium = findChromium();

function inChromium(executablePath: string) {
  return {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    provider: playwright({ launchOptions: { executablePath, args: chromiumArgs } }),
    commands: pageCommands,
    instances: [{ browser: 'chromium' as const }],
  };
}

export default defineConfig({
  resolve: {
    alias: entries.map((entry) => ({
      find: new RegExp(`^${importName(entry)}$`),
      replacement: new URL(entry.source, import.meta.url).pathname,
    })),
  },
  test: {
    // a hang is found all the same, and a busy machine fails nothing
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          setupFiles: ['./test/support/guard.ts'],
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/browser/**'],
          benchmark: { include: [] },
        },
      },
      {
        extends: true,
        test: {
          // a part of the tests once more, where no shared prototype can be changed
          name: 'frozen',
          setupFiles: ['./test/support/frozen.ts', './test/support/guard.ts'],
          include: [
            'test/{protocol,events,delivery,channel,transport,adapters}/**/*.test.ts',
            'test/security/prototypes.test.ts',
          ],
          benchmark: { include: [] },
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          benchmark: { include: [] },
          typecheck: { enabled: true, only: true, include: ['test/**/*.test-d.{ts,tsx}'], tsconfig: './tsconfig.types.json' },
        },
      },
      ...(chromium === undefined
        ? []
        : [
            {
              extends: true as const,
              plugins: [msw({ mode: 'worker-only' })],
              // known beforehand: a dependency that Vite discovers during a run reloads the page under the tests
              optimizeDeps: {
                include: [
                  'mitt',
                  'eventsource-parser',
                  'socket.io-client',
                  'react',
                  'react/jsx-dev-runtime',
                  'react-dom',
                  'react-dom/client',
                  'zod',
                ],
              },
              test: {
                name: 'browser',
                provide: { react: '19' },
                globalSetup: ['./test/browser/reference-server.ts'],
                include: ['test/browser/**/*.test.{ts,tsx}'],
                benchmark: { include: [] },
                browser: inChromium(chromium),
              },
            },
            {
              extends: true as const,
              // the hooks and components once more, on the oldest React that they are for
              resolve: {
                alias: [
                  { find: /^react-dom(?=$|\/)/, replacement: 'react-dom-18' },
                  { find: /^react(?=$|\/)/, replacement: 'react-18' },
                ],
              },
              cacheDir: 'node_modules/.vite/react-18',
              optimizeDeps: {
                include: ['mitt', 'react', 'react/jsx-dev-runtime', 'react-dom', 'react-dom/client', '@testing-library/react'],
              },
              test: {
                name: 'react-18',
                provide: { react: '18' },
                include: ['test/browser/react*.test.tsx'],
                benchmark: { include: [] },
                browser: inChromium(chromium),
              },
            },
          ]),
    ],
  },
});
