import type { ClientFrame } from '../protocol/frame.ts';
import type { DownCause, LinkInfo } from '../transport/transport.ts';

/** Which link something is about. */
export interface LinkPlace {
  /** Numbers the links of one manager; a later link has a higher number. */
  readonly link: number;
  /** The transport that made it, by name. */
  readonly transport: string;
}

/** What can be told of a link. */
export type LinkNoteKind =
  | {
      /** An attempt has begun: first the token, then the dial. */
      readonly kind: 'dialled';
    }
  | {
      /** The link is up. */
      readonly kind: 'up';
      /** What it says of itself. */
      readonly info: LinkInfo;
    }
  | {
      /** The link is over. */
      readonly kind: 'down';
      /** Why; `aborted` when we ended it. */
      readonly cause: DownCause;
    }
  | {
      /** A ping was answered. */
      readonly kind: 'measured';
      /** How long that took, in milliseconds. */
      readonly roundTripMs: number;
      /** The server's clock in the answer, where it says so. */
      readonly at: number | undefined;
    }
  | {
      /** Frames were given to the carrier. */
      readonly kind: 'sent';
      /** They hold payloads and tokens. */
      readonly frames: readonly ClientFrame[];
    };

/** What is told of one link while it lives, for whoever watches. */
export type LinkNote = LinkPlace & LinkNoteKind;
