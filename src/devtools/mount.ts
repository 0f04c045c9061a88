import type { ConnectionStatus, Status } from 'keepwire';
import type { Monitor, Secret } from 'keepwire/monitor';
import type { Chaos } from 'keepwire/testing';
import { makeControls } from './controls.ts';
import { make, setText } from './dom.ts';
import { exportJson } from './export.ts';
import { type JournalEntry, keepJournal } from './journal.ts';
import { makeChannels, makeNumbers, makeOutbox, makeRoutes } from './lists.ts';
import { makeSparkline } from './sparkline.ts';
import { makeStates } from './states.ts';
import { style } from './style.ts';
import { makeTabs } from './tabs.ts';
import { makeTimeline } from './timeline.ts';
import { type DevtoolsManager, settled, type View, viewOf } from './view.ts';

/** The options of {@link mountDevtools}. */
export interface DevtoolsOptions {
  /** What it measures is shown too: the timeline with its spans, the transports, the channels, the times. */
  readonly monitor?: Pick<Monitor, 'snapshot'>;
  /** Its switches are shown; the transports of the manager must be wrapped by it. */
  readonly chaos?: Chaos;
  /** A transport of `keepwire/tabs`, to say which tab leads. */
  readonly tabs?: TabRoleHolder;
  /** The names of the transports that can be forced. @defaultValue those that were seen */
  readonly transports?: readonly string[];
  /** Texts and patterns that are taken out of an export; tokens and the query of addresses always are. */
  readonly redact?: readonly Secret[];
  /** Where to show the panel. @defaultValue the page's body, floating in the lower right corner */
  readonly target?: Element;
  /** Is it open at the beginning? @defaultValue `false` when it floats, else `true` */
  readonly open?: boolean;
  /** The time of day. @defaultValue the platform's */
  readonly now?: () => Date;
  /** Takes the panel away. */
  readonly signal?: AbortSignal;
}

/** What knows the role of this tab. */
export interface TabRoleHolder {
  /** `leader`, another word, or `undefined` while it is not decided. */
  readonly role: string | undefined;
}

/** A panel on the page. */
export interface Devtools {
  /** The panel itself. Taking it out of the page ends it too. */
  readonly element: HTMLElement;
  /** Takes the panel away, and ends the trouble that it made; calling it twice is harmless. */
  remove(): void;
}

/** A custom element that tells when it is taken out of the page. */
interface Panel extends HTMLElement {
  onremoved?: () => void;
}

const tag = 'keepwire-devtools';

/** The panel is read anew after this long, in milliseconds. */
const refreshMs = 250;

/**
 * Shows what a manager does: its state in the diagram of all states, what went in and out, how each transport does and why,
 * channels, outbox, times; and switches that make trouble on purpose. Payloads and tokens are not shown. For a page; nothing
 * is registered before the first call, and nothing of it is in a bundle that does not import it.
 *
 * @example
 * ```ts
 * const watch = monitor();
 * const realtime = createRealtime({ transports, probe: watch });
 * if (import.meta.env.DEV) void import('keepwire/devtools').then(({ mountDevtools }) => mountDevtools(realtime, { monitor: watch }));
 * ```
 */
export function mountDevtools<Manager extends DevtoolsManager>(manager: Manager, options: DevtoolsOptions = {}): Devtools {
  const {
    target,
    open = target !== undefined,
    now = () => new Date(),
    signal,
    monitor,
    chaos,
    transports = [],
    redact = [],
  } = options;
  const ended = new AbortController();
  register();
  // `createElement` knows only the names of HTML
  const element = document.createElement(tag) as Panel;
  element.toggleAttribute('data-floating', target === undefined);

  let journal: readonly JournalEntry[] = [];
  let shown: Status = manager.status.get().status;
  let lastLatencyMs: number | undefined;
  const word = make('b');
  const detail = make('span', { class: 'detail' });
  const sparkline = makeSparkline();
  const summary = make('summary', {}, make('span', { class: 'dot', 'aria-hidden': 'true' }), word, detail, sparkline.element);
  // the badge counts down; only its word is worth being read out
  const announcer = make('div', { class: 'hidden', role: 'status' });
  const retry = make('button', { type: 'button' }, 'Retry now');
  const copy = make('button', { type: 'button' }, 'Copy');
  const save = make('button', { type: 'button' }, 'Export JSON');
  const tabs = makeTabs(
    [
      makeStates(),
      makeTimeline(() => journal),
      makeRoutes(),
      makeChannels(options.tabs),
      makeOutbox(),
      makeNumbers(),
      makeControls({ manager, chaos, transports, signal: ended.signal }),
    ],
    () => showSection(),
  );
  const body = make('div', { class: 'body' }, tabs.element, make('div', { class: 'row foot' }, retry, copy, save));
  const frame = make('details', { 'aria-label': 'keepwire' }, summary, body);
  frame.open = open;

  const root = element.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  // a constructed sheet also passes a content security policy without 'unsafe-inline'
  root.adoptedStyleSheets = [sheet];
  root.append(frame, announcer);

  retry.addEventListener('click', () => manager.retryNow());
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(report()).then(
      () => setText(copy, 'Copied'),
      () => setText(copy, 'Not allowed to copy'),
    );
  });
  save.addEventListener('click', () => {
    const address = URL.createObjectURL(new Blob([report()], { type: 'application/json' }));
    make('a', { href: address, download: 'keepwire.json' }).click();
    URL.revokeObjectURL(address);
  });
  frame.addEventListener('toggle', showSection);
  keepJournal(
    manager,
    now,
    (next) => {
      journal = next;
    },
    ended.signal,
  );
  const stop = manager.status.subscribe((status) => {
    const { latencyMs } = status;
    if (latencyMs !== undefined && latencyMs !== lastLatencyMs) sparkline.add(latencyMs);
    lastLatencyMs = latencyMs;
    showStatus(status);
  });
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
  else showSection();
  return { element, remove };

  function tick(timeMs: number): void {
    frameId = requestAnimationFrame(tick);
    if (timeMs - lastRefreshMs < refreshMs) return;
    lastRefreshMs = timeMs;
    showStatus(manager.status.get());
    showSection();
  }

  function look(): View {
    return viewOf(manager, monitor?.snapshot.get(), now().getTime());
  }

  function report(): string {
    return exportJson(look(), journal, redact);
  }

  function showSection(): void {
    if (frame.open) tabs.current.update(look());
  }

  function showStatus(status: ConnectionStatus): void {
    const nowMs = now().getTime();
    shown = settled(shown, status, nowMs);
    frame.dataset['status'] = shown;
    setText(word, shown);
    const parts = [status.transport, `mode ${manager.mode.get()}`];
    if (status.latencyMs !== undefined) parts.push(`${Math.round(status.latencyMs)} ms`);
    if (status.nextRetryAt !== undefined) {
      const seconds = Math.max(0, Math.ceil((status.nextRetryAt - nowMs) / 1000));
      parts.push(`attempt ${status.attempt + 1} in ${seconds} s`);
    }
    setText(detail, parts.filter((part) => part !== undefined).join(' · '));
    setText(announcer, status.transport === undefined ? shown : `${shown} over ${status.transport}`);
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
