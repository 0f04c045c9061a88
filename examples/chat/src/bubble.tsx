import { type KeyboardEvent, type ReactNode, useState } from 'react';
import type { Line } from './messages.ts';
import { Avatar, timeOf } from './people.tsx';

/** What can be done with a message of ours. */
export interface BubbleActions {
  readonly onEdit: (id: string, text: string) => void;
  readonly onRemove: (id: string) => void;
  readonly onRetry: (id: string) => void;
  readonly onCancel: (id: string) => void;
}

/** One message: who, when, what, how far it is, and for our own ones what can be done with it. */
export function Bubble({
  line,
  isMine,
  isGrouped,
  seenBy,
  actions,
}: {
  readonly line: Line;
  readonly isMine: boolean;
  readonly isGrouped: boolean;
  readonly seenBy: readonly string[];
  readonly actions: BubbleActions;
}): ReactNode {
  const { id, from, at, text, state, change, isEdited } = line;
  const [isEditing, setEditing] = useState(false);
  return (
    <li className="message" data-mine={isMine} data-grouped={isGrouped} data-state={state} data-change={change?.kind}>
      {isGrouped ? null : (
        <div className="byline">
          <Avatar name={from} />
          <b>{isMine ? 'You' : from}</b>
          <time dateTime={new Date(at).toISOString()}>{timeOf(at)}</time>
        </div>
      )}
      {isEditing ? (
        <Editor
          text={text}
          onDone={(next) => {
            setEditing(false);
            if (next !== undefined && next !== '' && next !== text) actions.onEdit(id, next);
          }}
        />
      ) : (
        <div className="said">
          <p className="bubble">{text}</p>
          {isMine && state !== 'failed' && change?.kind !== 'deleted' ? (
            <div className="tools">
              <button type="button" onClick={() => setEditing(true)} aria-label={`Edit: ${text}`} title="Edit">
                <Pen />
              </button>
              <button type="button" onClick={() => actions.onRemove(id)} aria-label={`Delete: ${text}`} title="Delete">
                <Bin />
              </button>
            </div>
          ) : null}
        </div>
      )}
      <Standing line={line} actions={actions} />
      {state === 'sent' && !change && (isEdited || seenBy.length > 0) ? (
        <span className="state">
          {[isEdited && 'edited', seenBy.length > 0 && `seen by ${namesOf(seenBy)}`].filter(Boolean).join(' · ')}
        </span>
      ) : null}
    </li>
  );
}

const steps = { message: '', edited: 'Saving…', deleted: 'Deleting…', queued: 'Waiting…', sending: 'Sending…' } as const;

/** How far a message or its change is. */
function Standing({ line, actions }: { readonly line: Line; readonly actions: BubbleActions }): ReactNode {
  const { id, state, problem, change } = line;
  const failed = state === 'failed' ? { id, problem } : change?.status === 'failed' ? change : undefined;
  if (failed) {
    return (
      <div className="state failed" role="alert">
        <span>
          Not {change?.kind === 'edited' ? 'changed' : change?.kind === 'deleted' ? 'deleted' : 'sent'}: {failed.problem}
        </span>
        <button type="button" className="link" onClick={() => actions.onRetry(failed.id)}>
          Try again
        </button>
        <button type="button" className="link" onClick={() => actions.onCancel(failed.id)}>
          Discard
        </button>
      </div>
    );
  }
  if (change) return <span className="state">{steps[change.kind]}</span>;
  return state === 'queued' || state === 'sending' ? <span className="state">{steps[state]}</span> : null;
}

/** Enter saves, Escape leaves it as it was. */
function Editor({ text, onDone }: { readonly text: string; readonly onDone: (text: string | undefined) => void }): ReactNode {
  const [draft, setDraft] = useState(text);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onDone(undefined);
    // Enter also ends a composition, such as of Japanese
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onDone(draft.trim());
  };
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(draft.trim());
      }}
    >
      <textarea
        aria-label="Edit the message"
        rows={1}
        maxLength={4000}
        value={draft}
        ref={focusEnd}
        onChange={({ target }) => setDraft(target.value)}
        onKeyDown={onKey}
      />
      <div className="line">
        <button type="submit" className="primary">
          Save
        </button>
        <button type="button" onClick={() => onDone(undefined)}>
          Leave it
        </button>
      </div>
    </form>
  );
}

/** Once, when it appears: the same function is no news to React. */
function focusEnd(field: HTMLTextAreaElement | null): void {
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

function namesOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
}

const Pen = (): ReactNode => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="m3 13 .7-3L10.5 3.2l2.3 2.3L6 12.3z" />
  </svg>
);

const Bin = (): ReactNode => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9" />
  </svg>
);
