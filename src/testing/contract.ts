import { type ContractCase, type ContractGaps, runCase } from './contract-bench.ts';
import { abortCases, orderCases, singleCases } from './contract-links.ts';
import type { ContractServer } from './contract-server.ts';
import { causeCases, flightCases, sendCases } from './contract-traffic.ts';

export type { ContractGaps } from './contract-bench.ts';

/** What {@link transportContract} takes. */
export interface TransportContractOptions {
  /** Stands in the names of the tests. */
  readonly name: string;
  /**
   * Opens a server for one case: a real one, on loopback, that speaks keepwire's own protocol over the new carrier.
   * {@link contractLedger} has the half of it that is the same for every carrier.
   */
  readonly open: () => Promise<ContractServer>;
  /** The test function of the test runner: that of vitest, Jest or `node:test` fits. */
  readonly test: (name: string, run: () => Promise<void>) => unknown;
  /** Its function for groups. @defaultValue the names of the tests say the group */
  readonly describe?: (name: string, run: () => void) => unknown;
  /** What this carrier cannot show, each with the reason; such cases are left out. */
  readonly gaps?: ContractGaps;
}

const groups: readonly (readonly [name: string, cases: readonly ContractCase[]])[] = [
  ['1 the order of the calls', orderCases],
  ['2 one connect is one link', singleCases],
  ['3 aborting frees everything', abortCases],
  ['4 sending', sendCases],
  ['5 causes', causeCases],
  ['6 the first flight', flightCases],
];

/**
 * The contract between a transport and the core, as tests. The adapters of keepwire pass it, each against a real server on
 * loopback; a transport of your own that passes it works with everything else. It depends on no test runner.
 *
 * @example
 * ```ts
 * transportContract({ name: 'ndjson over tcp', open: openMyServer, test, describe });
 * ```
 */
export function transportContract(options: TransportContractOptions): void {
  const { name, open, test, describe, gaps = {} } = options;
  for (const [group, cases] of groups) {
    const title = `transport contract: ${name}: ${group}`;
    const declare = (prefix: string): void => {
      for (const { name: what, needs, run } of cases) {
        if (needs === undefined || gaps[needs] === undefined) test(`${prefix}${what}`, () => runCase(open, run));
      }
    };
    if (describe === undefined) declare(`${title}: `);
    else describe(title, () => declare(''));
  }
}
