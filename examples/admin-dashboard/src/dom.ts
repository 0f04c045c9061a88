/** Finds an element that the page is sure to have. */
export function find<Kind extends HTMLElement = HTMLElement>(selector: string, root: ParentNode = document): Kind {
  const found = root.querySelector<Kind>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Sets a text; the same one once more would be read out once more. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** How long ago something was, in words. */
export function ago(date: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(date)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
