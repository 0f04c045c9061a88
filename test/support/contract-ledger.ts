export {
  type ContractHello as Hello,
  type ContractLedger,
  contractLedger as createLedger,
} from '../../src/testing/contract-ledger.ts';
