export {
  type CountingClock,
  countingClock,
  type Dialled,
  type DialOptions,
  dial,
  type RecordingSink,
  recordingSink,
  type SinkCall,
} from '../../src/testing/contract-link.ts';
