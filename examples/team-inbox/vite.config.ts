import { defineConfig } from 'vite';
import { pageConfig } from '../shared/page.ts';

export default defineConfig(
  pageConfig({
    name: 'team-inbox',
    paths: ['/api', '/realtime', '/socket.io'],
    packages: ['socket.io-client', 'mitt', 'eventsource-parser', 'zod'],
    scripts: ['./src/widget/main.tsx', './src/agent/main.tsx'],
  }),
);
