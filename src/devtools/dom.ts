type Attributes = Readonly<Record<string, string>>;

/** Makes an element. Texts go in as texts: nothing here is ever parsed as markup. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Makes an element of a drawing. */
export function draw<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[Name] {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Writes only what differs, so that a selection and a screen reader are left in peace. */
export function setText(node: Element | null | undefined, text: string): void {
  if (node && node.textContent !== text) node.textContent = text;
}

/** The same for an attribute. */
export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A table whose cells are kept and rewritten, row by row. */
export interface Grid {
  readonly element: HTMLElement;
  /** Shows these rows; a text in place of them when there is none. */
  show(rows: readonly (readonly (string | Node)[])[], empty: string): void;
}

/** @param columns - the headings; the first column names the row */
export function makeGrid(caption: string, columns: readonly string[]): Grid {
  const body = make('tbody');
  const head = make('tr', {}, ...columns.map((column) => make('th', { scope: 'col' }, column)));
  const table = make('table', {}, make('caption', {}, caption), make('thead', {}, head), body);
  const note = make('p', { class: 'note' });
  // a wide table is scrolled by itself, and by the keyboard too
  const frame = make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, table);
  const element = make('div', {}, frame, note);

  return {
    element,
    show(rows, empty) {
      frame.hidden = rows.length === 0;
      setText(note, rows.length === 0 ? empty : '');
      note.hidden = rows.length > 0;
      for (const [index, cells] of rows.entries()) {
        const row = body.children[index] ?? body.appendChild(make('tr'));
        for (const [place, cell] of cells.entries()) {
          const node = row.children[place] ?? row.appendChild(place === 0 ? make('th', { scope: 'row' }) : make('td'));
          if (typeof cell === 'string') setText(node, cell);
          else if (node.firstChild !== cell) node.replaceChildren(cell);
        }
      }
      while (body.childElementCount > rows.length) body.lastElementChild?.remove();
    },
  };
}

/** `12 ms`, `1.2 s`, or a dash. */
export function shownMs(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 1) return `${value.toFixed(2)} ms`;
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} s`;
}
