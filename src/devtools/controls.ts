import type { Chaos, ChaosSettings } from 'keepwire/testing';
import { make, setText } from './dom.ts';
import type { DevtoolsManager, Section, View } from './view.ts';

/** What the controls act on. */
export interface ControlParts {
  readonly manager: DevtoolsManager;
  /** Transports that were wrapped by it suffer; without it only what the manager itself offers can be tried. */
  readonly chaos: Chaos | undefined;
  /** The names of the transports that can be forced. */
  readonly transports: readonly string[];
  /** Fires when the panel is taken away: what it holds back is let go. */
  readonly signal: AbortSignal;
}

/** Switches that make trouble on purpose, by the public means of the manager and of a chaos. */
export function makeControls({ manager, chaos, transports, signal }: ControlParts): Section {
  let release: (() => void) | undefined;
  const offline = make('button', { type: 'button', 'aria-pressed': 'false' }, 'Offline');
  const cut = make('button', { type: 'button' }, 'Cut');
  const modes = make('select', {});
  const known = new Set<string>();
  const sliders = chaos
    ? [
        slider(
          'Lag',
          'ms',
          3_000,
          50,
          ({ lagMs }) => lagMs,
          (value) => chaos.set({ lagMs: value }),
        ),
        slider(
          'Twice',
          '%',
          50,
          1,
          ({ duplicate }) => duplicate * 100,
          (value) => chaos.set({ duplicate: value / 100 }),
        ),
        slider(
          'Out of order',
          '%',
          50,
          1,
          ({ reorder }) => reorder * 100,
          (value) => chaos.set({ reorder: value / 100 }),
        ),
        slider(
          'Lost',
          '%',
          50,
          1,
          ({ lose }) => lose * 100,
          (value) => chaos.set({ lose: value / 100 }),
        ),
      ]
    : [];

  offline.addEventListener('click', () => {
    const isOn = offline.getAttribute('aria-pressed') !== 'true';
    offline.setAttribute('aria-pressed', String(isOn));
    if (chaos) chaos.set({ isOffline: isOn });
    else if (isOn) release = manager.hold?.('devtools');
    else letGo();
  });
  cut.addEventListener('click', () => chaos?.cut());
  modes.addEventListener('change', () => manager.setMode?.(modes.value));
  signal.addEventListener('abort', () => {
    letGo();
    // trouble that nobody can see any more must not stay
    chaos?.set({ isOffline: false, lagMs: 0, duplicate: 0, reorder: 0, lose: 0 });
  });
  addModes(['auto', ...transports]);
  offline.hidden = chaos === undefined && manager.hold === undefined;
  cut.hidden = chaos === undefined;

  const pick = make('label', { class: 'pick' }, 'Transport ', modes);
  pick.hidden = manager.setMode === undefined;
  const hint = make(
    'p',
    { class: 'note' },
    'Wrap the transports by chaos() of keepwire/testing, and give it to the panel, to cut, delay, repeat, reorder and lose.',
  );
  hint.hidden = chaos !== undefined;
  return {
    title: 'Chaos',
    element: make(
      'div',
      { class: 'controls' },
      make('div', { class: 'row' }, offline, cut, pick),
      ...sliders.map(({ element }) => element),
      hint,
    ),
    update({ mode, snapshot }: View) {
      addModes([mode, ...Object.keys(snapshot?.connections.transports ?? {})]);
      if (modes.value !== mode) modes.value = mode;
      if (!chaos) return;
      offline.setAttribute('aria-pressed', String(chaos.settings.isOffline));
      for (const { show } of sliders) show(chaos.settings);
    },
  };

  function letGo(): void {
    release?.();
    release = undefined;
  }

  function addModes(names: readonly string[]): void {
    for (const name of names) {
      if (known.has(name)) continue;
      known.add(name);
      modes.append(make('option', { value: name }, name));
    }
  }
}

function slider(
  label: string,
  unit: string,
  most: number,
  step: number,
  read: (settings: ChaosSettings) => number,
  write: (value: number) => void,
): { readonly element: HTMLElement; show(settings: ChaosSettings): void } {
  const input = make('input', { type: 'range', min: '0', max: String(most), step: String(step), value: '0' });
  const output = make('output', {}, `0 ${unit}`);
  const showValue = (value: number): void => {
    const text = `${Math.round(value)} ${unit}`;
    setText(output, text);
    input.setAttribute('aria-valuetext', text);
  };
  input.addEventListener('input', () => {
    write(Number(input.value));
    showValue(Number(input.value));
  });
  return {
    element: make('label', { class: 'slider' }, make('span', {}, label), input, output),
    show(settings) {
      const value = read(settings);
      if (Number(input.value) !== Math.round(value)) input.value = String(value);
      showValue(value);
    },
  };
}
