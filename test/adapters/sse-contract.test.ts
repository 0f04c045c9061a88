import { transportContract } from '../support/contract.ts';
import { sseContractServer } from '../support/contract-sse.ts';

transportContract('sse', () => sseContractServer());
transportContract('sse by POST', () => sseContractServer({ method: 'POST' }));
