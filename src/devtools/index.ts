export { type Devtools, type DevtoolsOptions, mountDevtools, type TabRoleHolder } from './mount.ts';
export type { DevtoolsManager } from './view.ts';
