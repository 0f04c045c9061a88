import type { ReactNode } from 'react';

/** The head of a pane: what the pane shows, and on a phone the way back to the list. */
export function PaneHead({
  title,
  about,
  back,
  onBack,
  children,
}: {
  readonly title: ReactNode;
  readonly about: ReactNode;
  /** Where the way back leads, for who does not see the arrow. */
  readonly back: string;
  readonly onBack: () => void;
  /** What can be done with it. */
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <header>
      <button type="button" className="back" aria-label={`Back to the ${back}`} onClick={onBack}>
        ←
      </button>
      <div className="title">
        <h2>{title}</h2>
        <p className="dim">{about}</p>
      </div>
      {children}
    </header>
  );
}
