// npm run bench: what the library costs beside the bare thing. See README.md.
import { availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { measureConnect, measureFallback } from './connect.ts';
import { measure } from './measure.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { rowsOf } from './rows.ts';
import { startServers } from './server-process.ts';
import { connectLine, fallbackLine, head, rowLine } from './table.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const options = optionsOrUsage();
const { rounds, messages, transports } = options;
console.log(`node ${process.version}, ${platform()} ${release()}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`);
console.log(`load ${loadavg()[0]?.toFixed(1)}; ${messages.toLocaleString('en')} messages per run, ${rounds} pairs per row\n`);

const servers = await startServers((error) => {
  console.error(error.message);
  process.exit(1);
});
console.log(head);
for (const row of rowsOf(transports)) await attempt(row.name, async () => rowLine(await measure(row, servers, options)));
console.log();
for (const transport of transports) {
  await attempt(`connect, ${transport}`, async () => connectLine(await measureConnect(transport, servers, options)));
}
for (const what of transports.includes('websocket') ? (['refused', 'swallowed'] as const) : []) {
  await attempt(`websocket ${what}`, async () => fallbackLine(await measureFallback(what, servers, options)));
}
servers.stop();
console.log(process.exitCode === 1 ? '\nsomething was lost or failed' : '\nall messages arrived, each once and in order');
// sockets that are still closing would hold the process
process.exit();

/** A row that fails is said, and the others go on. */
async function attempt(name: string, work: () => Promise<string>): Promise<void> {
  try {
    console.log(await work());
  } catch (error) {
    console.log(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

function optionsOrUsage(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}
