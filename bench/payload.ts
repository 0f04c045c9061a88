/** The data of every message of the bench; as JSON it has exactly the size of its row. */
export interface Payload {
  /** Counts from {@link firstNumber} without a gap, so that a lost, doubled or misplaced message shows. */
  readonly n: number;
  readonly user: string;
  readonly text: string;
}

/** Seven digits from the first message to the last, so that all have one size. */
export const firstNumber = 1_000_000;

const prose = 'the quick brown fox jumps over the lazy dog and runs on through the wood, ';

/** Writes payloads of one size, in bytes of JSON. */
export function payloadWriter(bytes: number): (index: number) => string {
  const head = '{"n":';
  const tail = ',"user":"ada","text":""}';
  const room = bytes - head.length - String(firstNumber).length - tail.length;
  const end = `,"user":"ada","text":"${prose.repeat(Math.ceil(room / prose.length)).slice(0, room)}"}`;
  return (index) => `${head}${firstNumber + index}${end}`;
}
