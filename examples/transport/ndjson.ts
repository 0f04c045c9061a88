import { connect } from 'node:net';
import { type CauseKind, keepwireDialect, openGate, sentReceipts, type Transport } from 'keepwire';

/** A line longer than this ends the link: 1 MiB. */
const longestLine = 1_048_576;
/** The words with which this server ends a link, and what each means. */
const ends: Readonly<Record<string, CauseKind>> = { token: 'unauthorized', no: 'forbidden', later: 'refused' };

/** JSON, one message a line, over TCP: for Node. */
export function ndjson(options: { readonly port: number; readonly host?: string; readonly name?: string }): Transport {
  const { port, host = '127.0.0.1', name = 'ndjson' } = options;
  const { traits } = keepwireDialect;
  return {
    name,
    capabilities: {
      send: true,
      ack: 'frame',
      resume: traits.resume,
      liveness: 'ping',
      joining: 'frame',
      reauth: traits.reauth,
    },
    connect(request, sink) {
      // the gate keeps the order of the calls, waits for the greeting, and lets nothing through after the end
      const gate = openGate(name, keepwireDialect, request, sink);
      // a signal that has fired already: nothing is dialled
      if (gate.signal.aborted) return gate.link(async () => undefined);

      const socket = connect({ host, port }).setEncoding('utf8');
      gate.signal.addEventListener('abort', () => socket.destroy());
      const write = (message: unknown): boolean => socket.write(`${JSON.stringify(message)}\n`);
      let isOpen = false;
      let rest = '';
      let trouble: unknown;

      socket.on('connect', () => {
        isOpen = true;
        write(keepwireDialect.hello?.(gate.greeting()));
        gate.opened();
      });
      socket.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line);
        if (rest.length > longestLine) gate.fail('protocol', 'a line is too long', { code: 'too-large' });
      });
      socket.on('error', (error) => {
        trouble = error;
      });
      // an adapter never dials again: it says how the link ended, and the core decides
      socket.on('close', () => gate.fail(isOpen ? 'lost' : 'refused', `${name} was closed`, { cause: trouble }));

      return gate.link(async (frames) => {
        if (!socket.writable) return undefined;
        for (const { data } of keepwireDialect.encode(frames)) write(data);
        return sentReceipts(frames);
      });

      /** One line: the word that ends the link, or a message of the dialect. */
      function take(line: string): void {
        const [, word = '', seconds] = /^!(\w+) ?(\d+)?$/.exec(line) ?? [];
        const kind = ends[word];
        if (kind === undefined) return gate.receive(line);
        const retryAfterMs = seconds === undefined ? undefined : Number(seconds) * 1000;
        gate.fail(kind, `the server said ${word}`, { native: word, retryAfterMs });
      }
    },
  };
}
