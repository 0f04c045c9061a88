/** The platform's own `fetch`, looked up when it is needed; old Node and some embedded engines have none. */
export function systemFetch(): typeof globalThis.fetch | undefined {
  return globalThis.fetch;
}
