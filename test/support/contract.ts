import { describe, test } from 'vitest';
import { type ContractGaps, transportContract as contract } from '../../src/testing/contract.ts';
import type { ContractServer } from '../../src/testing/contract-server.ts';

/** The suite that `keepwire/testing` exports, run by vitest. */
export function transportContract(name: string, open: () => Promise<ContractServer>, gaps: ContractGaps = {}): void {
  contract({ name, open, gaps, test, describe });
}
