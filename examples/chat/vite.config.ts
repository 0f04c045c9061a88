import { defineConfig } from 'vite';
import { pageConfig } from '../shared/page.ts';

export default defineConfig(
  pageConfig({
    name: 'chat',
    paths: ['/realtime', '/socket.io', '/api'],
    packages: ['socket.io-client', 'zod', 'mitt', 'eventsource-parser'],
  }),
);
