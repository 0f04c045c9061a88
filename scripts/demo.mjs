// The chat of examples/chat: its server and its page, in one process. Prints the one address to open.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Starts the chat's server on a free port, and the page in front of it.
 *
 * @param {{ port?: number }} [options] - the port of the page: 5173, or the next that is free; 0 for any
 */
export async function startDemo({ port = 5173 } = {}) {
  const [{ startWithPage }, { createChatServer }] = await Promise.all([
    import('../examples/shared/page.ts'),
    import('../examples/chat/server.ts'),
  ]);
  return startWithPage('chat', await createChatServer(), port);
}

async function main() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    console.error(`The demo needs Node 22.18 or newer, this is ${process.versions.node}: start it with "npm run demo",`);
    console.error('which uses the Node that "npm install" brought.');
    process.exit(1);
  }
  if (!existsSync(fileURLToPath(new URL('../node_modules/vite', import.meta.url)))) {
    console.error('The demo needs its tools: run "npm install" first.');
    process.exit(1);
  }
  const demo = await startDemo();
  console.log(`\n  The chat is ready. Open this in two windows:\n\n    ${demo.url}\n\n  Ctrl-C ends it.\n`);
  let isEnding = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => {
      // once more does not wait
      if (isEnding) process.exit(1);
      isEnding = true;
      // the page needs no farewell
      void demo.server.close().finally(() => process.exit(0));
    });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
