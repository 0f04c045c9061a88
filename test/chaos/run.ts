import { type ChaosOptions, readOptions, usage } from './options.ts';
import { failureOf, reportOf } from './report.ts';
import { runSeries } from './series.ts';

/** Progress is told after so many runs. */
const tellEvery = 10;

function optionsOrExit(): ChaosOptions {
  try {
    return readOptions(process.argv.slice(2), Date.now() % 2 ** 31);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

const options = optionsOrExit();
const { runs, seed, transport, parallel, isVerbose } = options;
let failures = 0;
process.on('unhandledRejection', (error) => {
  failures += 1;
  console.error('an unhandled rejection:', error);
});

console.log(`chaos: ${runs} runs from seed ${seed} over ${transport}, ${parallel} at a time`);
const startMs = performance.now();
const results = await runSeries(options, (result, count) => {
  if (result.violations.length > 0) {
    failures += 1;
    console.log(failureOf(result, transport, isVerbose));
  }
  if (count % tellEvery !== 0 && count !== runs) return;
  console.log(`${count} of ${runs} runs in ${Math.round((performance.now() - startMs) / 1000)} s, ${failures} failed`);
});
console.log(`\n${reportOf(results)}`);
console.log(failures === 0 ? '\nevery promise was kept' : `\n${failures} FAILED`);
// connections that a client library keeps for later are no reason to wait
process.exit(failures === 0 ? 0 : 1);
