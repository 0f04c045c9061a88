import type { ClientFrame } from '../protocol/frame.ts';
import type { DownCause, LinkInfo } from '../transport/transport.ts';

/** What is told of one link while it lives, for whoever watches; see `Probe`. */
export type LinkNote = LinkNoteOf & {
  /** Numbers the links of one manager; a later link has a higher number. */
  readonly link: number;
  /** The transport that made it, by name. */
  readonly transport: string;
};

type LinkNoteOf =
  /** An attempt has begun: first the token, then the dial. */
  | { readonly kind: 'dialled' }
  /** The link is up. */
  | { readonly kind: 'up'; readonly info: LinkInfo }
  /** It has carried something from the server. */
  | { readonly kind: 'proved' }
  /** It is over; `aborted` when we ended it. */
  | { readonly kind: 'down'; readonly cause: DownCause }
  /** A ping was answered; `at` is the server's clock in the answer, where it says so. */
  | { readonly kind: 'measured'; readonly roundTripMs: number; readonly at: number | undefined }
  /** Frames were given to the carrier. They hold payloads and tokens. */
  | { readonly kind: 'sent'; readonly frames: readonly ClientFrame[] };
