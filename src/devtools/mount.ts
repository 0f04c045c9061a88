import type { ConnectionStatus, RealtimeManager } from 'keepwire';
import { type JournalEntry, keepJournal } from './journal.ts';
import { style } from './style.ts';

/** The options of {@link mountDevtools}. */
export interface DevtoolsOptions {
  /** Where to show the panel. @defaultValue the page's body, floating in the lower right corner */
  readonly target?: Element;
  /** Is it open at the beginning? @defaultValue `false` when it floats, else `true` */
  readonly open?: boolean;
  /** The time of day. @defaultValue the platform's */
  readonly now?: () => Date;
  /** Takes the panel away. */
  readonly signal?: AbortSignal;
}

/** A panel on the page. */
export interface Devtools {
  /** The panel itself. Taking it out of the page ends it too. */
  readonly element: HTMLElement;
  /** Takes the panel away; calling it twice is harmless. */
  remove(): void;
}

/** A custom element that tells when it is taken out of the page. */
interface Panel extends HTMLElement {
  onremoved?: () => void;
}

const tag = 'keepwire-devtools';

/** The counters are read anew after this long, in milliseconds. */
const refreshMs = 250;

/**
 * Shows what a manager does: status, transport, mode, the time until the next attempt, counters, and the last 50 things
 * that happened. Payloads and tokens are not shown. For a page; nothing is registered before the first call.
 *
 * @example
 * ```ts
 * if (import.meta.env.DEV) void import('keepwire/devtools').then(({ mountDevtools }) => mountDevtools(realtime));
 * ```
 */
export function mountDevtools<Manager extends Pick<RealtimeManager, 'status' | 'mode' | 'on' | 'metrics' | 'retryNow'>>(
  manager: Manager,
  options: DevtoolsOptions = {},
): Devtools {
  const { target, open = target !== undefined, now = () => new Date(), signal } = options;
  const ended = new AbortController();
  register();
  const element = make(tag) as Panel;
  element.toggleAttribute('data-floating', target === undefined);

  const word = make('b');
  const detail = make('span');
  const summary = make('summary', {}, make('span', { class: 'dot' }), word, detail);
  const retry = make('button', { type: 'button' }, 'Retry now');
  const copy = make('button', { type: 'button' }, 'Copy log');
  const counters = make('dl');
  const log = make('ol', { tabindex: '0', 'aria-label': 'What happened, newest first' });
  const body = make('div', { class: 'body' }, counters, make('div', { class: 'row' }, retry, copy), log);
  const frame = make('details', { 'aria-label': 'keepwire' }, summary, body);
  frame.toggleAttribute('open', open);
  let entries: readonly JournalEntry[] = [];

  const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  // a constructed sheet also passes a content security policy without 'unsafe-inline'
  root.adoptedStyleSheets = [sheet];
  root.append(frame);

  retry.addEventListener('click', () => manager.retryNow());
  copy.addEventListener('click', () => {
    const text = JSON.stringify({ status: manager.status.get(), metrics: manager.metrics(), entries }, null, 2);
    navigator.clipboard.writeText(text).then(
      () => setText(copy, 'Copied'),
      () => setText(copy, 'Not allowed to copy'),
    );
  });
  keepJournal(
    manager,
    now,
    (next) => {
      entries = next;
      log.replaceChildren(...entries.map(entryNode));
    },
    ended.signal,
  );
  const stop = manager.status.subscribe(showStatus);
  let lastRefreshMs = Number.NEGATIVE_INFINITY;
  let frameId = requestAnimationFrame(tick);

  const remove = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    stop();
    cancelAnimationFrame(frameId);
    signal?.removeEventListener('abort', remove);
    element.remove();
  };
  element.onremoved = remove;
  (target ?? document.body).append(element);
  signal?.addEventListener('abort', remove);
  if (signal?.aborted) remove();
  return { element, remove };

  function tick(timeMs: number): void {
    frameId = requestAnimationFrame(tick);
    if (timeMs - lastRefreshMs < refreshMs) return;
    lastRefreshMs = timeMs;
    showStatus(manager.status.get());
    if (frame.hasAttribute('open')) showCounters();
  }

  function showStatus(status: ConnectionStatus): void {
    frame.dataset['status'] = status.status;
    setText(word, status.status);
    const parts = [status.transport, `mode ${manager.mode.get()}`];
    if (status.latencyMs !== undefined) parts.push(`${Math.round(status.latencyMs)} ms`);
    if (status.nextRetryAt !== undefined) {
      const seconds = Math.max(0, Math.ceil((status.nextRetryAt - now().getTime()) / 1000));
      parts.push(`attempt ${status.attempt + 1} in ${seconds} s`);
    }
    setText(detail, parts.filter((part) => part !== undefined).join(' · '));
  }

  function showCounters(): void {
    const numbers = Object.entries(manager.metrics());
    if (counters.childElementCount !== numbers.length) {
      counters.replaceChildren(...numbers.map(([name]) => make('div', {}, make('dt', {}, name), make('dd'))));
    }
    for (const [index, [, count]] of numbers.entries()) setText(counters.children[index]?.lastElementChild, String(count));
  }
}

function register(): void {
  if (customElements.get(tag) !== undefined) return;
  customElements.define(
    tag,
    class extends HTMLElement implements Panel {
      onremoved?: () => void;
      disconnectedCallback(): void {
        this.onremoved?.();
      }
    },
  );
}

function entryNode({ at, kind, text }: JournalEntry): HTMLElement {
  const time = make('time', { datetime: at.toISOString() }, at.toLocaleTimeString());
  return make('li', { 'data-kind': kind }, time, make('b', {}, kind), make('span', {}, text));
}

function make(name: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Writes only what differs, so that a selection and a screen reader are left in peace. */
function setText(node: Element | null | undefined, text: string): void {
  if (node && node.textContent !== text) node.textContent = text;
}
