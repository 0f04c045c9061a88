export { type BindListOptions, bindList } from './list.ts';
export { type BindOptions, observe } from './observe.ts';
export { type BindStatusOptions, bindStatus } from './status.ts';
export { bindTyping } from './typing.ts';
