declare module 'solid-js/dist/solid.js' {
  export * from 'solid-js';
}
