/** The style of the panel; it lives in a shadow root and touches nothing else. */
export const style = `
:host { color-scheme: light dark; --ink: light-dark(#1c2128, #e6e9ee); --dim: light-dark(#57606c, #9aa4b2);
  --paper: light-dark(#fff, #171b21); --soft: light-dark(#f3f5f8, #1f252d); --line: light-dark(#d8dde3, #323a45);
  --focus: light-dark(#1f5fd0, #8ab4ff); --good: light-dark(#12805c, #4cc38a); --wait: light-dark(#9a6700, #e2b340);
  --bad: light-dark(#c4314b, #ff8095); display: block; font: 13px/1.45 system-ui, sans-serif; color: var(--ink);
  container-type: inline-size; }
:host([data-floating]) { position: fixed; right: 12px; bottom: 12px; z-index: 2147483000; width: min(560px, calc(100vw - 24px)); }
*, *::before { box-sizing: border-box; }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
details { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
:host([data-floating]) details { box-shadow: 0 6px 24px rgb(0 0 0 / 0.18); }
:host([data-floating]) .panel { min-height: min(250px, calc(100vh - 200px)); }
:host([data-floating]) .body { max-height: min(560px, calc(100vh - 90px)); overflow: auto; }
summary { display: flex; gap: 4px 8px; align-items: center; padding: 8px 12px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::after { content: '▸'; color: var(--dim); flex: none; }
details[open] summary::after { content: '▾'; }
.detail { color: var(--dim); min-width: 0; overflow-wrap: anywhere; flex: 1 1 auto; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: var(--dim); flex: none; }
[data-status=connected] .dot { background: var(--good); }
[data-status=connecting] .dot, [data-status=reconnecting] .dot { background: var(--wait); }
[data-status=failed] .dot { background: var(--bad); }
.sparkline { flex: none; line-height: 0; }
.sparkline svg { width: 88px; height: 20px; }
.sparkline .line { fill: none; stroke: var(--focus); stroke-width: 1.5; }
.body { border-top: 1px solid var(--line); }
[role=tablist] { display: flex; overflow-x: auto; border-bottom: 1px solid var(--line); padding: 0 6px; scrollbar-width: none; }
[role=tab] { font: inherit; color: var(--dim); background: none; border: 0; border-bottom: 2px solid transparent; padding: 8px 8px 6px;
  cursor: pointer; white-space: nowrap; flex: none; }
[role=tab]:hover { color: var(--ink); }
[role=tab][aria-selected=true] { color: var(--ink); border-bottom-color: var(--focus); }
.panel { padding: 10px 12px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.foot { border-top: 1px solid var(--line); padding: 8px 12px; position: sticky; bottom: 0; background: var(--paper); }
.row button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px;
  cursor: pointer; min-height: 28px; }
.row button:hover { border-color: var(--dim); }
.row button[aria-pressed=true] { background: var(--bad); border-color: var(--bad); color: var(--paper); }
select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 3px 6px;
  min-height: 28px; }
.note, .now { margin: 0 0 8px; color: var(--dim); overflow-wrap: anywhere; }
.now { color: var(--ink); }
.states { display: block; width: 100%; max-width: 560px; margin: 0 auto 8px; overflow: visible; }
.state rect { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; }
.state text { fill: var(--dim); text-anchor: middle; font-size: 14px; }
.state.lit rect { fill: var(--focus); stroke: var(--focus); }
.state.lit text { fill: var(--paper); font-weight: 600; }
.way { fill: none; stroke: var(--line); stroke-width: 1.2; }
.way.lit { stroke: var(--focus); stroke-width: 1.8; }
.arrow { fill: context-stroke; }
.ways { margin: 0; padding: 0 0 0 18px; color: var(--dim); }
.ways b { color: var(--ink); }
.lanes { display: grid; grid-template-columns: auto 1fr; gap: 4px 8px; align-items: center; }
.lane { color: var(--dim); }
.track { position: relative; height: 22px; background: var(--soft); border-radius: 4px; overflow: hidden; }
.mark { position: absolute; top: 5px; height: 12px; min-width: 4px; border-radius: 2px; background: var(--focus); }
.mark[data-kind=duplicate] { background: none; border: 1.5px solid var(--wait); min-width: 7px; }
.mark[data-kind=gap] { background: var(--bad); top: 0; height: 22px; }
.mark[data-kind=accepted], .mark[data-kind=up] { background: var(--good); }
.mark[data-kind=failed], .mark[data-kind=down] { background: var(--bad); }
.mark[data-kind=out] { background: repeating-linear-gradient(45deg, var(--wait) 0 3px, transparent 3px 6px); }
.mark[data-kind=dialled] { background: var(--wait); }
.mark[data-kind=ended] { background: var(--dim); }
.scale, .legend { display: flex; flex-wrap: wrap; gap: 2px 12px; margin: 2px 0 8px; color: var(--dim); font-size: 12px; }
.scale { justify-content: space-between; margin: 2px 0; }
.legend span { display: inline-flex; gap: 5px; align-items: center; }
.legend .mark { position: static; width: 10px; height: 10px; }
.legend .mark[data-kind=gap] { width: 4px; height: 14px; }
.scroll { overflow-x: auto; margin-bottom: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: 2px 0 4px; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { color: var(--dim); font-size: 12px; white-space: nowrap; }
tbody th { white-space: nowrap; }
td { white-space: nowrap; }
td:last-child { white-space: normal; overflow-wrap: anywhere; min-width: 10ch; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); gap: 2px 16px; margin: 0 0 8px; }
dl div { display: flex; justify-content: space-between; gap: 6px; }
dt { color: var(--dim); }
dd { margin: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
ol { list-style: none; margin: 0; padding: 0; max-height: 220px; overflow: auto; border-top: 1px solid var(--line); }
li[data-kind] { display: grid; grid-template-columns: auto 72px 1fr; gap: 8px; padding: 3px 0; border-bottom: 1px solid var(--line); }
li span { overflow-wrap: anywhere; }
time { color: var(--dim); font-variant-numeric: tabular-nums; }
[data-kind=fault] b, [data-kind=gap] b, [data-kind=invalid] b, [data-kind=failed] b, [data-kind=down] b { color: var(--bad); }
[data-kind=switched] b, [data-kind=in] b { color: var(--focus); }
[data-kind=accepted] b, [data-kind=up] b { color: var(--good); }
[data-kind=duplicate] b, [data-kind=dialled] b { color: var(--wait); }
.controls { display: grid; gap: 10px; }
.pick { display: inline-flex; gap: 6px; align-items: center; color: var(--dim); }
.slider { display: grid; grid-template-columns: 92px 1fr 64px; gap: 10px; align-items: center; }
.slider input { width: 100%; accent-color: var(--focus); min-width: 0; }
.slider output { text-align: right; font-variant-numeric: tabular-nums; }
@container (max-width: 420px) {
  summary { flex-wrap: wrap; }
  summary b { margin-right: auto; }
  [role=tablist] { flex-wrap: wrap; padding-bottom: 4px; }
  [role=tab] { padding: 6px 7px 3px; }
  .detail { order: 3; flex-basis: 100%; }
  li[data-kind] { grid-template-columns: auto 1fr; }
  li[data-kind] span { grid-column: 1 / -1; }
}
@container (min-width: 760px) { .split { display: grid; grid-template-columns: 3fr 2fr; gap: 24px; align-items: center; } }
@media (forced-colors: active) { .mark, .dot { forced-color-adjust: none; } }
`;
