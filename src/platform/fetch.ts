/** The platform's own `fetch`, looked up when it is needed; old Node and some embedded engines have none. */
export function systemFetch(): typeof globalThis.fetch | undefined {
  return globalThis.fetch;
}

/** The platform's own `WebSocket`, looked up when it is needed; Node 20 has none. */
export function systemWebSocket(): typeof globalThis.WebSocket | undefined {
  return globalThis.WebSocket;
}
