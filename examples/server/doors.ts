import type { Identity } from './auth.ts';
import type { HttpGate } from './http.ts';
import type { Hub } from './hub.ts';
import type { End } from './outlet.ts';

/** Who came, or why they are not let in; the same on all carriers. */
export type Verdict = { readonly kind: 'in'; readonly identity: Identity } | { readonly kind: 'out'; readonly end: End };

/** What every carrier is made with. */
export interface Doors {
  readonly hub: Hub;
  readonly gate: HttpGate;
  /** Checks a token and asks the application. */
  identify(token: string | undefined, client: string): Promise<Verdict>;
}
