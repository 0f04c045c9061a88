export { type ManualClock, manualClock } from './clock.ts';
export { type FakeSend, type FakeServer, type FakeServerOptions, fakeServer, type Refusal } from './fake-server.ts';
