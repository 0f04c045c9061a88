import { defineConfig } from 'vite';
import { pageConfig } from '../shared/page.ts';

const config = pageConfig({ name: 'admin-dashboard', paths: [] });
const servers = {
  '/ws': process.env['EXAMPLE_SERVER'] ?? 'http://127.0.0.1:4400',
  '/socket-io': process.env['EXAMPLE_SOCKET_IO_SERVER'] ?? 'http://127.0.0.1:4401',
};

// one origin for the page and both servers, each below a path of its own
const proxy = Object.fromEntries(
  Object.entries(servers).map(([path, target]) => [path, { target, ws: true, rewrite: (url: string) => url.slice(path.length) }]),
);
export default defineConfig({
  ...config,
  plugins: [],
  optimizeDeps: { include: ['socket.io-client', 'mitt'] },
  server: { ...config.server, proxy, warmup: { clientFiles: ['./src/main.ts'] } },
});
