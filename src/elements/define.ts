import type { RealtimeManager } from 'keepwire';
import { type ElementText, type Given, showMonitor, showStatus } from './show.ts';
import { style } from './style.ts';

/** `<keepwire-status>`: a badge that says how the connection is. */
export interface KeepwireStatusElement extends HTMLElement {
  /** Whose connection; nothing is shown without it. */
  manager: Pick<RealtimeManager, 'status'> | undefined;
  /** What to show for a status. @defaultValue the word itself, such as `connected` */
  text: ElementText | undefined;
}

/** `<keepwire-monitor>`: the badge, the numbers and the last decisions with their reasons. */
export interface KeepwireMonitorElement extends HTMLElement {
  /** Whose connection; nothing is shown without it. */
  manager: Given['manager'];
  /** The monitor that the manager was given as its probe: what it measures is shown too. */
  monitor: Given['monitor'];
  /** What to show for a status. @defaultValue the word itself, such as `connected` */
  text: ElementText | undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    'keepwire-status': KeepwireStatusElement;
    'keepwire-monitor': KeepwireMonitorElement;
  }
}

const names = ['manager', 'monitor', 'text'] as const;

/**
 * Registers `<keepwire-status>` and `<keepwire-monitor>`, once; importing alone does nothing. Where there are no custom
 * elements, as on a server, it does nothing either.
 *
 * @example
 * ```ts
 * defineElements();
 * const badge = document.createElement('keepwire-status');
 * badge.manager = realtime;
 * document.body.append(badge);
 * ```
 */
export function defineElements(): void {
  if (typeof customElements === 'undefined') return;
  for (const [tag, show] of Object.entries({ 'keepwire-status': showStatus, 'keepwire-monitor': showMonitor })) {
    if (!customElements.get(tag)) customElements.define(tag, elementThat(show));
  }
}

/**
 * Makes the class, where there is something to extend.
 *
 * @param show - fills an empty element, and follows what was given until the signal fires
 */
function elementThat(show: (root: HTMLElement, given: Given, signal: AbortSignal) => void): CustomElementConstructor {
  return class extends HTMLElement implements KeepwireMonitorElement {
    #given: Given = { manager: undefined, monitor: undefined, text: undefined };
    #ended: AbortController | undefined;

    get manager(): Given['manager'] {
      return this.#given.manager;
    }
    set manager(manager: Given['manager']) {
      this.#give({ manager });
    }
    get monitor(): Given['monitor'] {
      return this.#given.monitor;
    }
    set monitor(monitor: Given['monitor']) {
      this.#give({ monitor });
    }
    get text(): Given['text'] {
      return this.#given.text;
    }
    set text(text: Given['text']) {
      this.#give({ text });
    }

    connectedCallback(): void {
      for (const name of names) {
        if (!Object.hasOwn(this, name)) continue;
        // set before the element was defined, it hides the accessor
        const given = { [name]: this[name] };
        Reflect.deleteProperty(this, name);
        this.#given = { ...this.#given, ...given };
      }
      this.#restart();
    }

    disconnectedCallback(): void {
      this.#ended?.abort();
    }

    #give(given: Partial<Given>): void {
      this.#given = { ...this.#given, ...given };
      this.#restart();
    }

    #restart(): void {
      this.#ended?.abort();
      if (!this.isConnected) return;
      const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
      if (root.adoptedStyleSheets.length === 0) {
        // a constructed sheet also passes a content security policy without 'unsafe-inline'
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(style);
        root.adoptedStyleSheets = [sheet];
      }
      this.#ended = new AbortController();
      const frame = this.ownerDocument.createElement('div');
      root.replaceChildren(frame);
      show(frame, this.#given, this.#ended.signal);
    }
  };
}
