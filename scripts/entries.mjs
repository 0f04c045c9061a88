// @ts-check
/**
 * Every public entry of the package: the subpath that users import, the source behind it and the name in dist/.
 * package.json, tsconfig.json and typedoc.json repeat this list in their own form; test/package.test.ts compares them.
 *
 * An entry with `core: true` is part of the core build and shares its chunks; the others import the core by the
 * package's own name, so that `RealtimeError` exists once per format.
 */
export const entries = [
  { subpath: '.', source: 'src/index.ts', output: 'index', core: true },
  { subpath: './websocket', source: 'src/adapters/websocket.ts', output: 'websocket', core: true },
  { subpath: './sse', source: 'src/adapters/sse.ts', output: 'sse', core: true },
  { subpath: './long-poll', source: 'src/adapters/long-poll.ts', output: 'long-poll', core: true },
  { subpath: './socket-io', source: 'src/adapters/socket-io.ts', output: 'socket-io', core: true },
  { subpath: './memory', source: 'src/adapters/memory.ts', output: 'memory', core: true },
  { subpath: './posts', source: 'src/transport/posts.ts', output: 'posts', core: true },
  { subpath: './react', source: 'src/react/index.tsx', output: 'react', core: false },
  { subpath: './vanilla', source: 'src/vanilla/index.ts', output: 'vanilla', core: false },
  { subpath: './testing', source: 'src/testing/index.ts', output: 'testing', core: false },
  { subpath: './devtools', source: 'src/devtools/index.ts', output: 'devtools', core: false },
  { subpath: './indexeddb', source: 'src/delivery/indexeddb.ts', output: 'indexeddb', core: true },
  { subpath: './backfill', source: 'src/delivery/backfill.ts', output: 'backfill', core: true },
  { subpath: './presence', source: 'src/channel/presence.ts', output: 'presence', core: false },
  { subpath: './beacons', source: 'src/channel/beacons.ts', output: 'beacons', core: false },
  { subpath: './typing', source: 'src/channel/typing.ts', output: 'typing', core: false },
  { subpath: './receipts', source: 'src/channel/receipts.ts', output: 'receipts', core: false },
  { subpath: './live-list', source: 'src/channel/live-list.ts', output: 'live-list', core: false },
  { subpath: './tabs', source: 'src/tabs/tabs.ts', output: 'tabs', core: true },
  { subpath: './monitor', source: 'src/monitor/monitor.ts', output: 'monitor', core: true },
  { subpath: './elements', source: 'src/elements/index.ts', output: 'elements', core: false },
];

/**
 * What a user writes to import an entry.
 *
 * @param {{ subpath: string }} entry
 */
export const importName = ({ subpath }) => `keepwire${subpath.slice(1)}`;
