import type { Readable } from 'keepwire';
import { type BindOptions, observe } from './observe.ts';
import { steadiest } from './steadiest.ts';

/** How {@link bindList} shows a list. */
export interface BindListOptions<T> extends BindOptions {
  /** What makes an item the same one as before. Two items with the same key are shown as one, the later one. */
  readonly key: (item: T) => PropertyKey;
  /** Makes the node of a new item. */
  readonly render: (item: T) => HTMLElement;
  /** Brings the node of an item up to date, and so keeps what it has: focus, selection, scrolling. @defaultValue the node is made anew */
  readonly update?: (node: HTMLElement, item: T) => void;
}

/** An item that is shown. */
interface Shown<T> {
  readonly item: T;
  readonly node: HTMLElement;
}

/**
 * Shows a list as the children of an element. Nodes of items that stay are kept, as few as possible are moved, and never
 * the one with the focus; the element's other children come before the list and are left alone.
 *
 * @param readable - a list, or what has one as its `items`, such as the `view` of a live list
 * @returns what ends it; calling it twice is harmless
 * @example
 * ```ts
 * bindList(list, channel.members, {
 *   key: ({ key }) => key,
 *   render: ({ key }) => Object.assign(document.createElement('li'), { textContent: key }),
 *   signal,
 * });
 * ```
 */
export function bindList<T>(
  element: HTMLElement,
  readable: Readable<readonly T[] | { readonly items: readonly T[] }>,
  { key, render, update, signal }: BindListOptions<T>,
): () => void {
  let shown = new Map<PropertyKey, Shown<T>>();

  function nodeOf(before: Shown<T> | undefined, item: T): HTMLElement {
    if (before === undefined) return render(item);
    if (Object.is(before.item, item)) return before.node;
    if (update === undefined) {
      const node = render(item);
      before.node.replaceWith(node);
      return node;
    }
    update(before.node, item);
    return before.node;
  }

  return observe(
    readable,
    (list) => {
      const items = 'items' in list ? list.items : list;
      const wanted = new Map(items.map((item) => [key(item), item]));
      for (const [id, { node }] of shown) if (!wanted.has(id)) node.remove();
      shown = new Map([...wanted].map(([id, item]) => [id, { item, node: nodeOf(shown.get(id), item) }]));
      const nodes = [...shown.values()].map(({ node }) => node);
      const own = new Set<Element>(nodes);
      const places = new Map<Element, number>();
      for (const [place, child] of [...element.children].entries()) {
        // the list comes after all that is not its own
        if (own.has(child)) places.set(child, place);
        else places.clear();
      }
      const focused = nodes.findIndex((node) => node.contains(element.ownerDocument.activeElement));
      const staying = steadiest(
        nodes.map((node) => places.get(node) ?? -1),
        focused,
      );
      // from the end, so that each node has its place before its successor
      let next: ChildNode | null = null;
      for (const [index, node] of [...nodes.entries()].reverse()) {
        if (!staying.has(index)) element.insertBefore(node, next);
        next = node;
      }
    },
    { signal },
  );
}
