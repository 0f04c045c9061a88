import { type Database, keepListening } from './database.ts';

/** The database of another process, see `embedded.ts`. */
export function connectEmbedded(url: string): Database {
  const ended = new AbortController();

  return {
    async query<Row>(text: string, values?: readonly unknown[]) {
      const response = await fetch(`${url}/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text, values }),
      });
      const answer = (await response.json()) as { rows: Row[]; error?: string };
      if (!response.ok) throw new Error(answer.error);
      return answer.rows;
    },
    listen(channel, { heard, listening }) {
      void keepListening(ended.signal, async () => {
        const response = await fetch(`${url}/listen/${encodeURIComponent(channel)}`, { signal: ended.signal });
        if (!response.ok || !response.body) throw new Error(`listening was answered with ${response.status}`);
        listening();
        let rest = '';
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) heard(JSON.parse(line) as string);
        }
      });
    },
    async close() {
      ended.abort();
    },
  };
}
