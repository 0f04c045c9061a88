import { defineConfig, type Options } from 'tsup';
import { entries } from './scripts/entries.mjs';

type Sources = Record<string, string>;

const sources = (chosen: typeof entries): Sources => Object.fromEntries(chosen.map(({ output, source }) => [output, source]));

/** What is built on a channel: presence and its like. */
const isCompanion = ({ source }: { source: string }): boolean => source.startsWith('src/channel/');

const shared: Options = {
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  clean: false,
  // mitt and eventsource-parser are devDependencies and so are bundled
  external: [/^keepwire(\/|$)/, /^react(\/|$)/, 'socket.io-client'],
};

export default defineConfig([
  {
    ...shared,
    name: 'core',
    entry: sources(entries.filter(({ core }) => core)),
    // for CJS too, so that RealtimeError is one class over all entries
    splitting: true,
    // all entries at once, or a class would be declared twice and become two types that do not fit each other
    dts: {
      entry: sources(entries),
      resolve: ['@standard-schema/spec'],
      // for users whose `lib` lacks Symbol.asyncDispose
      banner: '/// <reference lib="esnext.disposable" />',
    },
  },
  {
    ...shared,
    name: 'bindings',
    entry: sources(entries.filter((entry) => !entry.core && !isCompanion(entry))),
    // splitting would put code before 'use client' in CJS, and then it is no directive any more
    splitting: false,
    dts: false,
  },
  {
    ...shared,
    name: 'companions',
    entry: sources(entries.filter(isCompanion)),
    // who imports two of them gets what they share once
    splitting: true,
    dts: false,
  },
]);
