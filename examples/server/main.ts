import { createServer } from './server.ts';

const { PORT = '4400', HOST = '127.0.0.1', SECRET, ORIGINS, GUESTS } = process.env;

const server = await createServer({
  port: Number(PORT),
  host: HOST,
  secret: SECRET,
  origins: ORIGINS === undefined ? '*' : ORIGINS.split(','),
  guests: GUESTS !== '0',
  onRequest: ({ data }) => data,
});

console.log(`the keepwire reference server listens at ${server.url}/realtime`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close());
}
