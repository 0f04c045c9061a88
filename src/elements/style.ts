/**
 * The style of the elements; it lives in their shadow roots and touches nothing else. They have no background, so their text has
 * the colour of the page, and light and dark are what the page says, which need not be what the system prefers.
 */
export const style = `
:host { --dim: color-mix(in srgb, currentColor 72%, transparent);
  --good: light-dark(#12805c, #4cc38a); --wait: light-dark(#9a6700, #e2b340); --bad: light-dark(#c4314b, #ff8095);
  display: inline-block; font: 13px/1.45 system-ui, sans-serif; }
[hidden], :host([hidden]) { display: none; }
[role=status]::before { content: ''; display: inline-block; width: 0.65em; height: 0.65em; margin-inline-end: 0.5em; border-radius: 50%;
  border: 1px solid transparent; background: var(--dim); }
[data-status=connected]::before { background: var(--good); }
[data-status=connecting]::before, [data-status=reconnecting]::before { background: var(--wait); }
[data-status=failed]::before { background: var(--bad); }
dl { display: grid; gap: 2px; margin: 8px 0; }
dl div { display: flex; justify-content: space-between; gap: 16px; }
dt, ol { color: var(--dim); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
ol { margin: 4px 0 0; padding: 0; list-style: none; }
li { overflow-wrap: anywhere; }
b { font-weight: 600; }
@media (prefers-reduced-motion: no-preference) {
  [data-status=connecting]::before, [data-status=reconnecting]::before { animation: wait 1.2s ease-in-out infinite alternate; }
  @keyframes wait { to { opacity: 0.35; } }
}
@media (forced-colors: active) { [role=status]::before { forced-color-adjust: none; border-color: CanvasText; } }
`;
