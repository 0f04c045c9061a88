export { type ContractAnswer, type ContractServer, refusalCode, refusedEvent } from '../../src/testing/contract-server.ts';
