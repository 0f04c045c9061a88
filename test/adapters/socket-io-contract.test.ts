import { transportContract } from '../support/contract.ts';
import { socketIoContractServer } from '../support/contract-socket-io.ts';

transportContract('socket-io', () => socketIoContractServer('websocket'));
transportContract('socket-io by polling', () => socketIoContractServer('polling'));
