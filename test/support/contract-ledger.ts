export { type ContractHello as Hello, contractLedger as createLedger } from '../../src/testing/contract-ledger.ts';
