import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { createLogger, defineConfig } from 'vite';

const { CHAT_SERVER = 'http://127.0.0.1:4400' } = process.env;
const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// to cut connections is what this page is for; Vite would report each one
const logger = createLogger('error');
const { error } = logger;
logger.error = (message, options) => {
  if (!message.includes('proxy')) error(message, options);
};

export default defineConfig({
  customLogger: logger,
  root: from('.'),
  cacheDir: from('../../node_modules/.vite/chat'),
  plugins: [react()],
  resolve: {
    // inside of its own repository the package is taken from its source; leave this out when you copy the example
    alias: [
      { find: /^keepwire$/, replacement: from('../../src/index.ts') },
      { find: /^keepwire\/react$/, replacement: from('../../src/react/index.tsx') },
      { find: /^keepwire\/(devtools|testing)$/, replacement: from('../../src/$1/index.ts') },
      { find: /^keepwire\/(monitor|tabs)$/, replacement: from('../../src/$1/$1.ts') },
      { find: /^keepwire\/(presence|typing|receipts|live-list)$/, replacement: from('../../src/channel/$1.ts') },
      { find: /^keepwire\/indexeddb$/, replacement: from('../../src/delivery/indexeddb.ts') },
      { find: /^keepwire\/(websocket|sse|long-poll|socket-io)$/, replacement: from('../../src/adapters/$1.ts') },
    ],
  },
  // known beforehand: what Vite discovers later reloads the page
  optimizeDeps: {
    include: ['react', 'react-dom/client', 'react/jsx-dev-runtime', 'socket.io-client', 'zod', 'mitt', 'eventsource-parser'],
  },
  server: {
    host: '127.0.0.1',
    fs: { allow: [from('../..')] },
    // one origin for the page and the server, as behind a reverse proxy
    proxy: Object.fromEntries(['/realtime', '/socket.io', '/api'].map((path) => [path, { target: CHAT_SERVER, ws: true }])),
    warmup: { clientFiles: ['./src/main.tsx'] },
  },
});
