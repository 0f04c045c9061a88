import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

/** One log per channel: its epoch, its events (the first has offset 1), the acks by send id, the open streams. */
const newLog = () => ({ epoch: randomUUID(), events: [], acks: new Map(), streams: new Set() });

export function createMinimalServer() {
  const logs = new Map();
  const logOf = (channel) => logs.get(channel) ?? logs.set(channel, newLog()).get(channel);
  const write = (stream, frames) => stream.write(`data: ${JSON.stringify(frames)}\n\n`);

  function open(hello, stream) {
    const frames = [{ kind: 'welcome', version: 1 }];
    for (const { channel, epoch, offset } of hello.channels) {
      const log = logOf(channel);
      const known = epoch === log.epoch && offset <= log.events.length;
      const start = known ? offset : epoch === undefined || epoch === log.epoch ? log.events.length : 0;
      frames.push({ kind: 'joined', channel, epoch: log.epoch, offset: start }, ...log.events.slice(start));
      log.streams.add(stream);
      stream.on('close', () => log.streams.delete(stream));
    }
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
    write(stream, frames);
  }

  function publish({ id, channel, event, data, volatile }) {
    const log = logOf(channel);
    if (log.acks.has(id)) return log.acks.get(id);
    const offset = volatile ? undefined : log.events.length + 1;
    const frame = { kind: 'event', channel, event, data, offset, id, at: Date.now() };
    const ack = { kind: 'ack', id, epoch: volatile ? undefined : log.epoch, offset };
    if (!volatile) log.events.push(frame);
    if (!volatile) log.acks.set(id, ack);
    for (const stream of log.streams) write(stream, [frame]);
    return ack;
  }

  return createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    try {
      if (url.pathname === '/realtime/sse') return open(JSON.parse(url.searchParams.get('hello')), response);
      const { frames } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      response.end(JSON.stringify(frames.filter((frame) => frame.kind === 'publish').map(publish)));
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
}

if (import.meta.main) createMinimalServer().listen(4400);
