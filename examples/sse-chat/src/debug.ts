/** Set in localStorage to `1`, it makes the page talk to the console and show its status on `window`. */
const key = 'sse-chat.debug';

const isOn = localStorage.getItem(key) === '1';

/** Says something to whoever has asked for it. */
export function log(...words: unknown[]): void {
  if (isOn) console.debug('[sse-chat]', ...words);
}

/** What the page knows of itself, as `window.sseChat`. */
export function publishStatus(status: object): void {
  if (isOn) Object.assign(window, { sseChat: status });
}
