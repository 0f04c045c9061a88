import { make } from './dom.ts';
import type { Section } from './view.ts';

/** Sections of which one is to be seen, by the pattern for tabs of the ARIA Authoring Practices. */
export interface Tabs {
  readonly element: HTMLElement;
  readonly current: Section;
}

/** @param changed - called when another section was chosen */
export function makeTabs(sections: readonly [Section, ...Section[]], changed: () => void): Tabs {
  let current: Section = sections[0];
  const buttons = sections.map(({ title }, index) =>
    make('button', { type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': `panel-${index}` }, title),
  );
  const panels = sections.map(({ element }, index) =>
    make('div', { role: 'tabpanel', id: `panel-${index}`, 'aria-labelledby': `tab-${index}`, class: 'panel' }, element),
  );
  const list = make('div', { role: 'tablist', 'aria-label': 'Views' }, ...buttons);

  function choose(index: number, focus: boolean): void {
    const next = sections[index];
    if (!next) return;
    current = next;
    for (const [place, button] of buttons.entries()) {
      button.setAttribute('aria-selected', String(place === index));
      button.tabIndex = place === index ? 0 : -1;
      const panel = panels[place];
      if (panel) panel.hidden = place !== index;
    }
    if (focus) buttons[index]?.focus();
    buttons[index]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    changed();
  }

  for (const [index, button] of buttons.entries()) button.addEventListener('click', () => choose(index, false));
  list.addEventListener('keydown', (event) => {
    const at = sections.indexOf(current);
    const last = sections.length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    choose(next, true);
  });
  for (const [index, panel] of panels.entries()) panel.hidden = index !== 0;
  for (const [index, button] of buttons.entries()) {
    button.setAttribute('aria-selected', String(index === 0));
    button.tabIndex = index === 0 ? 0 : -1;
  }
  return {
    element: make('div', { class: 'tabs' }, list, ...panels),
    get current() {
      return current;
    },
  };
}
