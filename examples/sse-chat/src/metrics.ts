import type { ConnectionStatus } from 'keepwire';
import { useEffect, useState } from 'react';
import type { Realtime } from './realtime.ts';

/** What was measured since the sign-in. */
export interface ChatMetrics {
  /** Attempts that came up, of all. */
  readonly attempts: number;
  readonly successes: number;
  /** The share of attempts that came up; `undefined` before the first has ended. */
  readonly successRate: number | undefined;
  /** How long the last loss of the connection was, in milliseconds. */
  readonly reconnectionMs: number | undefined;
  /** From the server's clock to ours, the median of the last 100, in milliseconds. */
  readonly deliveryMs: number | undefined;
  /** What one message costs us, the median of the last 100, in milliseconds. */
  readonly processingMs: number | undefined;
  /** In bytes; only Chromium tells. */
  readonly memoryBytes: number | undefined;
  /** Ours: 1 while there is one. */
  readonly activeConnections: number;
  /** By the code of the error. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Measures one connection. */
export interface Meter {
  read(): ChatMetrics;
  /** A message of the server arrived and was dealt with. */
  handled(sentAt: number, tookMs: number): void;
  failed(code: string): void;
  stop(): void;
}

/** So many messages are measured at a time. */
const sampleSize = 100;

export function createMeter(realtime: Realtime): Meter {
  let [attempts, successes] = [0, 0];
  let before: ConnectionStatus | undefined;
  let lostAt: number | undefined;
  let reconnectionMs: number | undefined;
  const deliveries: number[] = [];
  const costs: number[] = [];
  const errors: Record<string, number> = {};

  const failed = (code: string): void => {
    errors[code] = (errors[code] ?? 0) + 1;
  };
  const stops = [
    realtime.on('fault', ({ code }) => failed(code)),
    realtime.status.subscribe((status) => {
      const { status: word, reason } = status;
      if (word === 'connected' && before?.status !== 'connected') {
        attempts += 1;
        successes += 1;
        if (lostAt !== undefined) reconnectionMs = performance.now() - lostAt;
        lostAt = undefined;
      } else if (reason && reason !== before?.reason) {
        failed(reason.code);
        if (before?.status === 'connected') lostAt = performance.now();
        else attempts += 1;
      }
      before = status;
    }),
  ];

  return {
    read() {
      const { memory } = performance as { memory?: { usedJSHeapSize: number } };
      return {
        attempts,
        successes,
        successRate: attempts === 0 ? undefined : successes / attempts,
        reconnectionMs,
        deliveryMs: median(deliveries),
        processingMs: median(costs),
        memoryBytes: memory?.usedJSHeapSize,
        activeConnections: before?.status === 'connected' ? 1 : 0,
        errors: { ...errors },
      };
    },
    handled(sentAt, tookMs) {
      deliveries.push(Date.now() - sentAt);
      costs.push(tookMs);
      if (costs.length > sampleSize) {
        deliveries.shift();
        costs.shift();
      }
    },
    failed,
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** What was measured, looked at twice a second. */
export function useMetrics(meter: Meter | undefined): ChatMetrics | undefined {
  const [metrics, setMetrics] = useState(() => meter?.read());
  useEffect(() => {
    const timer = setInterval(() => setMetrics(meter?.read()), 500);
    return () => clearInterval(timer);
  }, [meter]);
  return metrics;
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
