import { createTcpProxy } from '../support/tcp-proxy.ts';
import { createChaosClient } from './chaos-client.ts';
import { check, mostEffects } from './checker.ts';
import { fastDelay, speed } from './fast-time.ts';
import type { SendRecord, Timeline, Violation } from './ledger.ts';
import { chanceOf } from './random.ts';
import type { Plan } from './schedule.ts';
import type { ServerPool } from './server-pool.ts';
import { createTruth } from './truth.ts';
import { createWorld, type World } from './world.ts';

/** What came of a run. */
export interface RunResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly sent: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly gaps: number;
  /** How often one send was applied in one log at most. */
  readonly mostEffects: number;
  /** Faults by kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** For each client: how long after the last fault until all was well with it, in its milliseconds. */
  readonly recoveriesMs: readonly number[];
  /** What happened, in order, with the time of the clients. */
  readonly notes: readonly string[];
}

/** After the faults have stopped, all must be well within this long, in the clients' milliseconds. */
const recoverWithinMs = 120_000;
/** Where this machine is late by so much, it is busy with other things, and that is no fault of the clients. */
const patience = 5;
/** Then nothing more may come; what is still under way has this long to show itself. */
const quietMs = 1_000;
/** After the clients were closed, the server must have no link any more within this long. */
const cleanWithinMs = 60_000;
/** So often it is looked whether all is well. */
const lookEveryMs = 50;

/** Carries out a plan, and judges what came of it. */
export async function runScenario(plan: Plan, pool: ServerPool): Promise<RunResult> {
  const secret = `the secret of run ${plan.seed}, which is long enough`;
  const truth = createTruth();
  const sends: SendRecord[] = [];
  const timelines: Timeline[] = [];
  const faults = new Map<string, number>();
  const notes: string[] = [];
  const startMs = performance.now();
  const nowMs = (): number => Math.round((performance.now() - startMs) * speed);
  const note = (what: string): void => void notes.push(`${String(nowMs()).padStart(7)} ${what}`);

  const proxies = await Promise.all(plan.clients.map((_, index) => createTcpProxy({ random: chanceOf(plan.seed + index).next })));
  const clients = proxies.map((proxy, index) => {
    const clientPlan = plan.clients[index];
    if (clientPlan === undefined) throw new Error(`there is no client ${index}`);
    return createChaosClient({ index, seed: plan.seed, plan: clientPlan, proxy, secret, truth, sends, timelines, note });
  });
  const world = await createWorld(pool, secret, truth, proxies, clients);
  clients.forEach((client, index) => {
    for (const channel of plan.clients[index]?.channels ?? []) client.join(channel);
    client.realtime.start();
  });

  const beganMs = nowMs();
  for (const step of plan.steps) {
    await fastDelay(beganMs + step.atMs - nowMs());
    if (step.kind !== 'send') {
      faults.set(step.kind, (faults.get(step.kind) ?? 0) + 1);
      note(JSON.stringify(step));
    }
    world.apply(step);
  }
  await fastDelay(beganMs + plan.durationMs - nowMs());
  await world.heal();
  note('all faults are over');
  const violations: Violation[] = [];
  const recoveriesMs = await recover(world, plan, violations);
  await fastDelay(quietMs);
  for (const client of clients) for (const what of client.failures) violations.push({ kind: 'failed', what });
  violations.push(...check({ sends, timelines }, truth));
  await clean(world, timelines, violations);
  await world.end();

  const entries = timelines.flatMap((timeline) => timeline.entries);
  return {
    seed: plan.seed,
    violations,
    sent: sends.length,
    accepted: sends.filter(({ outcome }) => outcome.kind === 'accepted').length,
    delivered: entries.filter(({ kind }) => kind === 'event').length,
    gaps: entries.filter(({ kind }) => kind === 'gap').length,
    mostEffects: mostEffects(truth),
    faults,
    recoveriesMs,
    notes,
  };
}

/** Availability, judged apart from the rest: everybody sends once more, and all of it has to arrive. */
async function recover({ clients }: World, plan: Plan, violations: Violation[]): Promise<number[]> {
  const startMs = performance.now();
  const recoveredMs = new Map<number, number>();
  const nowMs = (): number => (performance.now() - startMs) * speed;
  clients.forEach((client, index) => {
    for (const channel of plan.clients[index]?.channels ?? []) client.send(channel, 1, 'plain');
  });
  let limitMs = recoverWithinMs;
  while (!clients.every((client) => client.isWell())) {
    clients.forEach((client, index) => {
      if (client.isWell() && !recoveredMs.has(index)) recoveredMs.set(index, nowMs());
    });
    if (nowMs() > limitMs) {
      const what = clients.map((client) => client.ailment()).filter((ailment) => ailment !== '');
      violations.push({ kind: 'not-recovered', what: `after ${Math.round(limitMs)} ms: ${what.join('; ')}` });
      break;
    }
    const lookedMs = nowMs();
    await fastDelay(lookEveryMs);
    limitMs += (nowMs() - lookedMs - lookEveryMs) * patience;
  }
  return clients.map((_, index) => recoveredMs.get(index) ?? nowMs());
}

/** After close nothing may be left: no timer, no link, no call of a handler. */
async function clean({ clients, server }: World, timelines: readonly Timeline[], violations: Violation[]): Promise<void> {
  for (const { realtime } of clients) realtime.close();
  const before = timelines.map(({ entries }) => entries.length);
  // what was asked of the auth provider may still answer
  await fastDelay(100);
  clients.forEach(({ clock }, index) => {
    if (clock.pending > 0) violations.push({ kind: 'leak', what: `client ${index} has ${clock.pending} timers after its close` });
  });
  let left = (await server?.countLinks()) ?? 0;
  for (let waitedMs = 0; left > 0 && waitedMs < cleanWithinMs; waitedMs += lookEveryMs) {
    await fastDelay(lookEveryMs);
    left = (await server?.countLinks()) ?? 0;
  }
  if (left > 0) violations.push({ kind: 'leak', what: `the server has ${left} links of clients that were closed` });
  timelines.forEach(({ entries, client, channel }, index) => {
    const late = entries.length - (before[index] ?? 0);
    if (late > 0) violations.push({ kind: 'late', what: `client ${client}, ${channel}: ${late} events after close` });
  });
}
