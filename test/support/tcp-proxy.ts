import { connect, createServer, type Socket } from 'node:net';
import { createPipe, type Line, type Pipe, type ProxyEnd } from './tcp-pipe.ts';

export type { ProxyEnd };

/** `up` is from the client to the server, `down` the way back. */
export type Direction = 'up' | 'down';
export type Directions = Direction | 'both';

/** How the proxy is set up. */
export interface TcpProxyOptions {
  /** The port that it stands before, on loopback; without one, connections are reset until {@link TcpProxy.pointTo}. */
  readonly targetPort?: number;
  /** Chooses where bytes are torn apart, see {@link TcpProxy.tear}; give a seeded one. @defaultValue always the middle */
  readonly random?: () => number;
}

/**
 * A TCP proxy on loopback that does to its connections what networks do. It changes no byte; it only holds back, slows
 * down and cuts. Faults that last answer with a function that ends them.
 */
export interface TcpProxy {
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Open connections of clients. */
  readonly open: number;
  /** Connections of clients that there ever were. */
  readonly accepted: number;
  /** From now on connections go there; those that are open stay where they are. */
  pointTo(targetPort: number | undefined): void;
  /** Ends every open connection, on both sides. @returns how many */
  cut(how: ProxyEnd): number;
  /** Ends each connection, open or to come, as soon as so many more bytes of a direction have gone through on it. */
  cutAfter(bytes: number, direction: Direction, how: ProxyEnd): () => void;
  /** Holds back all bytes and ends of a direction, and lets them go when it is over. */
  stall(directions: Directions): () => void;
  /** The connections that are open now carry nothing any more, not even their end; new ones do. @returns how many */
  strand(directions: Directions): number;
  /** Bytes per second and connection. */
  throttle(bytesPerSecond: number, directions: Directions): () => void;
  /** Everything comes so much later. */
  delay(delayMs: number, directions: Directions): () => void;
  /** Delivers each chunk in small pieces, torn at random places. */
  tear(directions: Directions): () => void;
  /** Resets new connections at once. */
  refuse(): () => void;
  /** Takes new connections and says nothing on them, for as long as they live. */
  blackhole(): () => void;
  /** Ends all faults that last. Connections that were stranded or taken by a black hole are reset: a network that is well again says so. */
  heal(): void;
  close(): Promise<void>;
}

interface Connection {
  readonly pipes: Readonly<Record<Direction, Pipe>>;
  /** One of its ways will never carry anything again. */
  isStranded: boolean;
  end(how: ProxyEnd): void;
}

interface Fault {
  readonly directions: readonly Direction[];
  readonly line: Line;
}

const bothWays: readonly Direction[] = ['up', 'down'];
const listed = (directions: Directions): readonly Direction[] => (directions === 'both' ? bothWays : [directions]);

/** Starts a proxy; resolves when it listens. */
export async function createTcpProxy({ targetPort, random = () => 0.5 }: TcpProxyOptions = {}): Promise<TcpProxy> {
  const connections = new Set<Connection>();
  const faults = new Set<Fault>();
  const cuts = new Set<{ readonly bytes: number; readonly direction: Direction; readonly how: ProxyEnd }>();
  let target = targetPort;
  let accepted = 0;
  let refusals = 0;
  let holes = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };

  /** All that is wrong with one direction at this moment, as one line. */
  function lineOf(direction: Direction): Line {
    const line = { isStalled: false, isTorn: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
    for (const fault of faults) {
      if (!fault.directions.includes(direction)) continue;
      line.isStalled ||= fault.line.isStalled ?? false;
      line.isTorn ||= fault.line.isTorn ?? false;
      line.delayMs += fault.line.delayMs ?? 0;
      line.bytesPerSecond = Math.min(line.bytesPerSecond, fault.line.bytesPerSecond ?? Number.POSITIVE_INFINITY);
    }
    return line;
  }

  function changed(): void {
    for (const { pipes } of connections) for (const direction of bothWays) pipes[direction].use(lineOf(direction));
  }

  function lasting(fault: Fault): () => void {
    faults.add(fault);
    changed();
    return () => {
      if (faults.delete(fault)) changed();
    };
  }

  function take(client: Socket): void {
    accepted += 1;
    // a reset by the peer is an event like any other here
    client.on('error', () => {});
    if (refusals > 0 || (target === undefined && holes === 0)) return void client.resetAndDestroy();
    const upstream =
      holes > 0 ? undefined : connect({ port: target ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    upstream?.on('error', () => {});
    const end = (how: ProxyEnd): void => {
      if (!connections.delete(connection)) return;
      for (const direction of bothWays) connection.pipes[direction].stop();
      for (const socket of [client, upstream]) finish(socket, how);
    };
    const connection: Connection = {
      pipes: {
        up: createPipe(client, upstream, lineOf('up'), random, end),
        down: createPipe(upstream, client, lineOf('down'), random, end),
      },
      isStranded: upstream === undefined,
      end,
    };
    connections.add(connection);
    /** Ended by both sides in the ordinary way. */
    const look = (): void => {
      if (client.closed && (upstream?.closed ?? true)) connections.delete(connection);
    };
    for (const socket of [client, upstream]) socket?.on('close', look);
    if (upstream === undefined) for (const direction of bothWays) connection.pipes[direction].strand();
    for (const { bytes, direction, how } of cuts) connection.pipes[direction].cutAfter(bytes, how);
  }

  const proxy: TcpProxy = {
    port,
    url: `http://127.0.0.1:${port}`,
    get open() {
      return connections.size;
    },
    get accepted() {
      return accepted;
    },
    pointTo(next) {
      target = next;
    },
    cut(how) {
      const all = [...connections];
      for (const connection of all) connection.end(how);
      return all.length;
    },
    cutAfter(bytes, direction, how) {
      const cut = { bytes, direction, how };
      cuts.add(cut);
      for (const { pipes } of connections) pipes[direction].cutAfter(bytes, how);
      return () => {
        if (!cuts.delete(cut)) return;
        for (const { pipes } of connections) pipes[direction].cutAfter(undefined, how);
      };
    },
    stall: (directions) => lasting({ directions: listed(directions), line: { isStalled: true } }),
    strand(directions) {
      for (const connection of connections) {
        connection.isStranded = true;
        for (const direction of listed(directions)) connection.pipes[direction].strand();
      }
      return connections.size;
    },
    throttle: (bytesPerSecond, directions) => lasting({ directions: listed(directions), line: { bytesPerSecond } }),
    delay: (delayMs, directions) => lasting({ directions: listed(directions), line: { delayMs } }),
    tear: (directions) => lasting({ directions: listed(directions), line: { isTorn: true } }),
    refuse() {
      refusals += 1;
      return once(() => (refusals -= 1));
    },
    blackhole() {
      holes += 1;
      return once(() => (holes -= 1));
    },
    heal() {
      faults.clear();
      cuts.clear();
      refusals = 0;
      holes = 0;
      for (const { pipes } of connections) for (const direction of bothWays) pipes[direction].cutAfter(undefined, 'fin');
      for (const connection of [...connections]) if (connection.isStranded) connection.end('rst');
      changed();
    },
    close() {
      proxy.cut('rst');
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

function finish(socket: Socket | undefined, how: ProxyEnd): void {
  if (socket === undefined) return;
  if (how === 'rst') socket.resetAndDestroy();
  else socket.destroySoon();
}

/** Calling it again, or after everything was healed, does nothing. */
function once(undo: () => number): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    undo();
  };
}
