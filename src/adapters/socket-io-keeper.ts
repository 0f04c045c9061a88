import type { Credentials, LinkRequest } from '../transport/transport.ts';

/** A Socket, and what decides which link may have it next. */
export interface HeldSocket<Socket> {
  readonly socket: Socket;
  readonly client: string;
  /** Whose session it has, by the newest token: the server may restore its rooms without looking at that of a new link. */
  owner: Credentials | undefined;
  /** The private id of its session, from the server's CONNECT packet; `undefined` where nothing can be recovered. */
  pid: string | undefined;
  /** True while a link has it. */
  isTaken: boolean;
  /** True while the offset that the Socket would offer is not that of the last packet which its session delivered. */
  isMisleading: boolean;
}

/** Keeps one Socket of a transport from link to link, so that its connection state recovery can work. */
export interface SocketKeeper<Socket> {
  /** The kept Socket if this link may have it, else one that is made. Give it back by `isTaken = false`. */
  take(request: LinkRequest, make: () => Socket): HeldSocket<Socket>;
  /** Makes this the one that is kept: that of the newest link that came up. */
  keep(held: HeldSocket<Socket>): void;
}

/** Makes a {@link SocketKeeper}, which holds nothing yet. */
export function createSocketKeeper<Socket>(): SocketKeeper<Socket> {
  let kept: HeldSocket<Socket> | undefined;
  return {
    take(request, make) {
      if (kept !== undefined && !isOfSameUser(kept, request)) kept = undefined;
      // a server may give one session to two links, so one in use is not offered
      if (kept === undefined || kept.isTaken || kept.isMisleading) {
        const { client, credentials: owner } = request;
        return { socket: make(), client, owner, pid: undefined, isTaken: true, isMisleading: false };
      }
      kept.isTaken = true;
      kept.owner = request.credentials;
      return kept;
    },
    keep(held) {
      kept = held;
    },
  };
}

function isOfSameUser({ client, owner }: HeldSocket<unknown>, request: LinkRequest): boolean {
  const { credentials } = request;
  if (client !== request.client || owner?.subject !== credentials?.subject) return false;
  // without a subject only the same token is surely the same user
  return credentials?.subject !== undefined || owner?.token === credentials?.token;
}
