export {
  countingClock,
  type Dialled,
  type DialOptions,
  dial,
  type RecordingSink,
  recordingSink,
} from '../../src/testing/contract-link.ts';
