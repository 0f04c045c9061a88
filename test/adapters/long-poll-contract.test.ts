import { transportContract } from '../support/contract.ts';
import { longPollContractServer } from '../support/contract-long-poll.ts';

transportContract('long-poll', longPollContractServer);
