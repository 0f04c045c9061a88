import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { createLogger, defineConfig } from 'vite';
import { sourceOfPackage } from '../shared/page.ts';

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
    alias: sourceOfPackage(),
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
