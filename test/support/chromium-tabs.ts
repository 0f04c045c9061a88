import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

/** One real tab. */
export interface ChromiumTab {
  /** Runs an expression in the page, and waits if it gives a promise. Rejects when the page throws, or is gone. */
  evaluate<T>(expression: string): Promise<T>;
  /** Resolves when the expression gives something true; it is looked at now and after each word of the page. */
  until(expression: string): Promise<void>;
  /** Every word that the page said by `notify(text)`. */
  readonly words: readonly string[];
  close(): Promise<void>;
  /** Kills the process of the tab. */
  crash(): Promise<void>;
  /** Stops all tasks of the page, as the browser does with tabs that are hidden for long; `active` lets them go on. */
  setLifecycle(state: 'frozen' | 'active'): Promise<void>;
}

/** A Chromium of its own. */
export interface ChromiumTabs {
  /** Opens a tab. All of them share the profile. */
  open(url: string): Promise<ChromiumTab>;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly payload?: string };
  readonly sessionId?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/**
 * Starts Chromium and speaks its DevTools protocol directly: Playwright shows every page as visible and focused, and the
 * browser freezes no such page. It ends with the test.
 *
 * Source: https://chromedevtools.github.io/devtools-protocol/
 */
export async function startChromium(executablePath: string, args: readonly string[]): Promise<ChromiumTabs> {
  const profile = mkdtempSync(join(tmpdir(), 'keepwire-tabs-'));
  const browser = spawn(
    executablePath,
    ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...args, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = new Promise((resolve) => browser.on('exit', resolve));
  onTestFinished(async () => {
    browser.kill();
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    browser.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /DevTools listening on (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    browser.on('exit', () => reject(new Error(`Chromium ended: ${said}`)));
  });
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));

  let serial = 0;
  const calls = new Map<number, (reply: Reply) => void>();
  const crashes = new Map<string, () => void>();
  const listeners = new Map<string, (word: string) => void>();
  socket.on('message', (data) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id !== undefined) calls.get(reply.id)?.(reply);
    else if (reply.method === 'Runtime.bindingCalled') listeners.get(reply.sessionId ?? '')?.(reply.params?.payload ?? '');
    else if (reply.method === 'Inspector.targetCrashed') crashes.get(reply.sessionId ?? '')?.();
  });
  function call<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = ++serial;
      calls.set(id, ({ error, result }) => {
        calls.delete(id);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result as T);
      });
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  return {
    async open(url) {
      const { targetId } = await call<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await call<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
      const words: string[] = [];
      let waiting: (() => void)[] = [];
      listeners.set(sessionId, (word) => {
        words.push(word);
        const woken = waiting;
        waiting = [];
        for (const wake of woken) wake();
      });
      await call('Inspector.enable', {}, sessionId);
      await call('Runtime.enable', {}, sessionId);
      await call('Runtime.addBinding', { name: 'notify' }, sessionId);
      await call('Page.navigate', { url }, sessionId);

      async function evaluate<T>(expression: string): Promise<T> {
        const parameters = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await call<{
          result: { value: T };
          exceptionDetails?: { text: string; exception?: { description?: string } };
        }>('Runtime.evaluate', parameters, sessionId);
        if (!exceptionDetails) return result.value;
        throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      }

      return {
        words,
        evaluate,
        async until(expression) {
          for (;;) {
            const word = new Promise<void>((resolve) => waiting.push(resolve));
            if (await evaluate<boolean>(`Boolean(${expression})`)) return;
            await word;
          }
        },
        async close() {
          await call('Target.closeTarget', { targetId });
        },
        async crash() {
          const crashed = new Promise<void>((resolve) => crashes.set(sessionId, resolve));
          call('Page.crash', {}, sessionId).catch(() => {});
          await crashed;
        },
        async setLifecycle(state) {
          await call('Page.setWebLifecycleState', { state }, sessionId);
        },
      };
    },
  };
}
