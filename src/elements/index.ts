export { defineElements, type KeepwireMonitorElement, type KeepwireStatusElement } from './define.ts';
export type { ElementText } from './show.ts';
