import { defineConfig } from 'vite';
import { pageConfig } from '../shared/page.ts';

export default defineConfig(
  pageConfig({
    name: 'sse-chat',
    paths: ['/api'],
    packages: ['eventsource-parser', 'mitt', '@tanstack/react-virtual'],
  }),
);
