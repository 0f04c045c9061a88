import type { Readable } from 'keepwire';
import { type BindOptions, observe } from './observe.ts';

/** How {@link bindList} shows a list. */
export interface BindListOptions<T> extends BindOptions {
  /** What makes an item the same one as before. Two items with the same key are shown as one, the later one. */
  readonly key: (item: T) => PropertyKey;
  /** Makes the node of a new item. */
  readonly create: (item: T) => HTMLElement;
  /** Brings the node of an item up to date. @defaultValue the node is made anew */
  readonly update?: (node: HTMLElement, item: T) => void;
}

/**
 * Shows a list as the children of an element. The nodes of items that stay are kept, with their focus and state; the
 * element's other children come before the list and are left alone.
 *
 * @returns what ends it; calling it twice is harmless
 * @example
 * ```ts
 * bindList(list, channel.members, {
 *   key: ({ key }) => key,
 *   create: ({ key }) => Object.assign(document.createElement('li'), { textContent: key }),
 *   signal,
 * });
 * ```
 */
export function bindList<T>(
  parent: HTMLElement,
  readable: Readable<readonly T[]>,
  { key, create, update, signal }: BindListOptions<T>,
): () => void {
  let shown = new Map<PropertyKey, { readonly item: T; readonly node: HTMLElement }>();

  function nodeOf(id: PropertyKey, item: T): HTMLElement {
    const before = shown.get(id);
    if (before === undefined) return create(item);
    if (Object.is(before.item, item)) return before.node;
    if (update === undefined) {
      const node = create(item);
      before.node.replaceWith(node);
      return node;
    }
    update(before.node, item);
    return before.node;
  }

  return observe(
    readable,
    (items) => {
      const wanted = new Map(items.map((item) => [key(item), item]));
      for (const [id, { node }] of shown) if (!wanted.has(id)) node.remove();
      shown = new Map([...wanted].map(([id, item]) => [id, { item, node: nodeOf(id, item) }]));
      // from the end, so that each node has its place before its successor
      let next: ChildNode | null = null;
      for (const { node } of [...shown.values()].reverse()) {
        if (node.parentNode !== parent || node.nextSibling !== next) parent.insertBefore(node, next);
        next = node;
      }
    },
    { signal },
  );
}
