import { defineConfig } from 'vite';
import { pageConfig } from '../shared/page.ts';

export default defineConfig(
  pageConfig({
    name: 'portal-chat',
    paths: ['/auth', '/chats', '/chat/', '/users', '/socket.io'],
    packages: ['socket.io-client', 'mitt', 'zustand', 'zustand/vanilla'],
  }),
);
