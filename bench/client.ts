import type { Payload } from './payload.ts';

/** What a client is opened with. */
export interface ClientRequest {
  /** The server, without a path. */
  readonly url: string;
  readonly channel: string;
  /** The handler of the application, called once per message. */
  readonly take: (data: Payload) => void;
  /** The client cannot go on. */
  readonly failed: (error: unknown) => void;
}

/** A client of one channel. */
export interface Client {
  /** Resolves when the server has let it into the channel. */
  readonly joined: Promise<void>;
  /** What is wrong with it after so many messages; nothing, if all is well. */
  complaints?(messages: number): readonly string[];
  close(): void;
}

/** Opens a client. */
export type OpenClient = (request: ClientRequest) => Client;
