export type { ContractAnswer, ContractServer } from '../../src/testing/contract-server.ts';
