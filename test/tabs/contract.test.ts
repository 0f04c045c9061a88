import { systemClock } from '../../src/platform/clock.ts';
import type { LocksLike } from '../../src/platform/sharing.ts';
import { sharedTabs } from '../../src/tabs/tabs.ts';
import { transportContract } from '../support/contract.ts';
import { longPollContractServer } from '../support/contract-long-poll.ts';
import { memoryContractServer } from '../support/contract-memory.ts';
import type { ContractServer } from '../support/contract-server.ts';
import { socketIoContractServer } from '../support/contract-socket-io.ts';
import { sseContractServer } from '../support/contract-sse.ts';
import { webSocketContractServer } from '../support/contract-websocket.ts';
import { fakeBrowser } from '../support/fake-browser.ts';

const gaps = { end: 'memory has one end', cut: 'memory cannot be cut' };

/** As in a page whose storage is blocked. */
const forbidden: LocksLike = {
  request: () => Promise.reject(new DOMException('The request was denied.', 'SecurityError')),
};

/** The same server behind a leader, or behind a tab that shares with nobody. */
const shared =
  (open: () => Promise<ContractServer>, isAlone = false) =>
  async (): Promise<ContractServer> => {
    const server = await open();
    const tab = fakeBrowser(systemClock).tab();
    const { locks, BroadcastChannel } = isAlone ? { locks: forbidden, BroadcastChannel: tab.BroadcastChannel } : tab;
    return { ...server, transport: () => sharedTabs(server.transport(), { key: 'contract', locks, BroadcastChannel }) };
  };

transportContract(
  'a leading tab over memory',
  shared(() => memoryContractServer()),
  gaps,
);
transportContract(
  'a leading tab over websocket',
  shared(() => webSocketContractServer()),
);
transportContract(
  'a leading tab over socket-io',
  shared(() => socketIoContractServer('websocket')),
);
transportContract(
  'a leading tab over sse',
  shared(() => sseContractServer()),
);
transportContract('a leading tab over long-poll', shared(longPollContractServer));
transportContract(
  'a tab of its own over websocket',
  shared(() => webSocketContractServer(), true),
);
transportContract(
  'a tab of its own over sse',
  shared(() => sseContractServer(), true),
);
