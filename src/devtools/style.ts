/** The style of the panel; it lives in a shadow root and touches nothing else. */
export const style = `
:host { color-scheme: light dark; --ink: light-dark(#1c2128, #e6e9ee); --dim: light-dark(#5b6470, #9aa4b2);
  --paper: light-dark(#fff, #171b21); --line: light-dark(#d8dde3, #323a45); --focus: light-dark(#1f5fd0, #8ab4ff);
  --good: light-dark(#12805c, #4cc38a); --wait: light-dark(#9a6700, #e2b340); --bad: light-dark(#c4314b, #ff8095);
  display: block; font: 13px/1.45 system-ui, sans-serif; color: var(--ink); }
:host([data-floating]) { position: fixed; right: 12px; bottom: 12px; z-index: 2147483000; width: min(380px, calc(100vw - 24px)); }
details { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
:host([data-floating]) details { box-shadow: 0 6px 24px rgb(0 0 0 / 0.18); }
summary { display: flex; gap: 8px; align-items: center; padding: 8px 12px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::after { content: '▸'; margin-left: auto; color: var(--dim); }
details[open] summary::after { content: '▾'; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: var(--dim); flex: none; }
[data-status=connected] .dot { background: var(--good); }
[data-status=connecting] .dot, [data-status=reconnecting] .dot { background: var(--wait); }
[data-status=failed] .dot { background: var(--bad); }
.body { border-top: 1px solid var(--line); padding: 10px 12px; display: grid; gap: 10px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px;
  cursor: pointer; }
button:hover { border-color: var(--dim); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 4px 12px; margin: 0; }
dl div { display: flex; justify-content: space-between; gap: 6px; }
dt { color: var(--dim); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
ol { list-style: none; margin: 0; padding: 0; max-height: 220px; overflow: auto; border-top: 1px solid var(--line); }
li { display: grid; grid-template-columns: auto auto 1fr; gap: 8px; padding: 3px 0; border-bottom: 1px solid var(--line); }
li span { overflow-wrap: anywhere; }
time { color: var(--dim); font-variant-numeric: tabular-nums; }
[data-kind=fault] b, [data-kind=gap] b, [data-kind=invalid] b { color: var(--bad); }
[data-kind=switched] b { color: var(--focus); }
`;
