export { type Chaos, type ChaosOptions, type ChaosSettings, chaos } from './chaos.ts';
export { type ManualClock, manualClock } from './clock.ts';
export { type ContractGaps, type TransportContractOptions, transportContract } from './contract.ts';
export { type ContractHello, type ContractLedger, contractLedger } from './contract-ledger.ts';
export { type ContractAnswer, type ContractServer, refusalCode, refusedEvent } from './contract-server.ts';
export { type FakeSend, type FakeServer, type FakeServerOptions, fakeServer, type Refusal } from './fake-server.ts';
