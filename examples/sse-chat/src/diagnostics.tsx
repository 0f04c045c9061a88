import { useConnection, useMode } from 'keepwire/react';
import { type ReactNode, useEffect, useRef } from 'react';
import { currentChat } from './chat.ts';
import { setFlag, useFlags } from './flags.ts';
import { useMetrics } from './metrics.ts';
import { ways } from './realtime.ts';

/** What is measured, and what can be switched. Escape closes it. */
export function Diagnostics({ onClose }: { readonly onClose: () => void }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const { status, transport, reason } = useConnection();
  const [mode, setMode] = useMode();
  const metrics = useMetrics(currentChat()?.meter);
  const flags = useFlags();
  useEffect(() => dialog.current?.showModal(), []);

  const rows: readonly (readonly [name: string, label: string, value: string])[] = [
    ['success-rate', 'Connections that came up', ratio(metrics?.successes, metrics?.attempts)],
    ['reconnection', 'Last loss lasted', milliseconds(metrics?.reconnectionMs)],
    ['delivery', 'From server to screen', milliseconds(metrics?.deliveryMs)],
    ['processing', 'Cost of a message', milliseconds(metrics?.processingMs)],
    ['memory', 'Memory', metrics?.memoryBytes === undefined ? 'unknown' : `${(metrics.memoryBytes / 1e6).toFixed(1)} MB`],
    ['connections', 'Open connections', String(metrics?.activeConnections ?? 0)],
  ];
  const errors = Object.entries(metrics?.errors ?? {});

  return (
    <dialog ref={dialog} onClose={onClose} aria-label="Diagnostics">
      <div className="title">
        <h2>Diagnostics</h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p>
        {status}
        {transport ? ` over ${transport}` : ''}
        {reason ? `: ${reason.message}` : ''}
      </p>
      <dl>
        {rows.map(([name, label, value]) => (
          <div key={name} data-metric={name}>
            <dt className="dim">{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div data-metric="errors">
          <dt className="dim">Errors</dt>
          <dd>{errors.length === 0 ? 'none' : errors.map(([code, count]) => `${code} ${count}`).join(', ')}</dd>
        </div>
      </dl>
      <fieldset>
        <legend>Way in</legend>
        {['auto', ...Object.keys(ways)].map((name) => (
          <label key={name}>
            <input type="radio" name="mode" value={name} checked={mode === name} onChange={() => setMode(name)} />
            {name}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Features</legend>
        {(['realtime', 'typing', 'presence'] as const).map((name) => (
          <label key={name}>
            <input type="checkbox" checked={flags[name]} onChange={({ target }) => setFlag(name, target.checked)} />
            {name}
          </label>
        ))}
      </fieldset>
    </dialog>
  );
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return 'not measured yet';
  return value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value).toLocaleString('en')} ms`;
}

function ratio(part = 0, whole = 0): string {
  return whole === 0 ? 'not measured yet' : `${part} of ${whole} (${Math.round((100 * part) / whole)} %)`;
}
