import type { ClientFrame, ServerFrame, Transport } from 'keepwire';

/** What a contract server does with the links that are dialled from now on. */
export type ContractAnswer =
  /** Greets, answers the joins, and stays. */
  | 'accept'
  /** 401, a close code or a connect error that means a bad token. */
  | 'unauthorized'
  /** 403, or its like. */
  | 'forbidden'
  /** 503 with a Retry-After of 7 s where the carrier has one; else an attempt that is turned away for now. */
  | 'unavailable'
  /** Takes the connection and never says a word. */
  | 'silence'
  /** Answers with bytes that are nothing of ours: an html page with status 200, or text that is not a frame. */
  | 'garbage';

/** A publish of an event with this name is refused with {@link refusalCode}; every other publish is acknowledged. */
export const refusedEvent = 'refuse-me';

/** The server's own word in the refusal of a publish. */
export const refusalCode = 'not-today';

/** A real server on loopback that an adapter's contract is checked against: keepwire's protocol, under full control of the test. */
export interface ContractServer {
  /** A new transport that is pointed at this server; after `close` it points at a dead port. */
  transport(): Transport;
  /** What is done with the links that are dialled from now on; `accept` at first. */
  answer(next: ContractAnswer): void;
  /** Sends frames to every link that is up, in one message or one tick. */
  push(frames: readonly ServerFrame[]): void;
  /** Sends a message that is no frame to every link that is up. */
  pushGarbage(): void;
  /** Ends every link the ordinary way: close frame, end of stream, disconnect packet. */
  end(): void;
  /** Cuts every connection without a word (RST). */
  cut(): void;
  /** How many sockets of links are open on the server now; idle keep-alive connections of an HTTP client do not count. */
  sockets(): number;
  /** How many links were ever dialled. */
  dialled(): number;
  /** The frames that arrived, in order, over all links; joins that travelled in a greeting are among them. */
  received(): readonly ClientFrame[];
  /** The tokens that arrived, in order, one per link. */
  tokens(): readonly (string | undefined)[];
  /** Resolves when the condition holds; it is looked at whenever something happens on the server. */
  until(condition: () => boolean): Promise<void>;
  /** Cuts everything and frees the port. May be called twice. */
  close(): Promise<void>;
}
