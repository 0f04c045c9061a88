import { PresenceIndicator, TypingIndicator, usePresence, useTyping } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Composer } from '../../../shared/react/composer.tsx';
import { PaneHead } from '../../../shared/react/pane-head.tsx';
import { conversationChannel, userChannel } from '../channels.ts';
import type { Conversation, Person } from '../events.ts';
import { useChannel, useConversation } from '../hooks.ts';
import { QuickReplies } from '../old/quick-replies.tsx';
import { MessageList } from '../parts/message-list.tsx';
import type { Said } from '../parts/people.tsx';
import { Trouble } from '../parts/status.tsx';
import { markSeen } from '../seen.ts';
import type { Session } from '../session.ts';

/** One conversation, as an agent has it. */
export function Pane({
  session,
  conversation,
  agents,
  go,
}: {
  readonly session: Session;
  readonly conversation: Conversation;
  readonly agents: readonly Person[];
  readonly go: (place: string) => void;
}): ReactNode {
  const { id: me, org, name } = session.user;
  const { id, customer, last } = conversation;
  const channel = conversationChannel({ org, id });
  const list = useConversation(session, id);
  const typing = useTyping(channel, { me: { key: me, data: name } });
  const { others } = usePresence<Said>(channel, { me: { key: me, data: { name, role: 'agent' } } });
  const [text, setText] = useState('');
  const colleagues = agents.filter((agent) => others.some(({ key }) => key === agent.id));

  useEffect(() => markSeen(id, last.at), [id, last.at]);

  return (
    <main className="pane">
      <PaneHead
        title={
          <>
            {customer} <PresenceIndicator member={others.find(({ key }) => key === id)} className="presence" />
          </>
        }
        about={colleagues.length > 0 ? `Also here: ${colleagues.map((agent) => agent.name).join(', ')}` : conversation.status}
        back="conversations"
        onBack={() => go('')}
      >
        <Actions session={session} conversation={conversation} agents={agents} />
      </PaneHead>
      <Trouble />
      <MessageList me={me} list={list} empty={<p className="dim">Nothing was said here yet.</p>} />
      <TypingIndicator className="typing dim" typers={typing.typers} />
      <QuickReplies conversationId={id} channel={channel} onChoose={setText} />
      <Composer
        label={`Write to ${customer}`}
        text={text}
        onText={setText}
        onSend={(text) => list.send({ text })}
        {...typing.inputProps}
      />
    </main>
  );
}

/** Gives the conversation to somebody, closes it, opens it again. */
function Actions({
  session: { user },
  conversation: { id, status, assignee },
  agents,
}: {
  readonly session: Session;
  readonly conversation: Conversation;
  readonly agents: readonly Person[];
}): ReactNode {
  const own = useChannel(userChannel({ org: user.org, id: user.id }));
  const [problem, setProblem] = useState<string>();
  const change = (wish: { readonly status?: Conversation['status']; readonly assignee?: string }): void => {
    setProblem(undefined);
    own
      ?.request('change', { conversation: id, ...wish })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
  };
  return (
    <div className="actions">
      {problem ? (
        <span className="problem" role="alert">
          {problem}
        </span>
      ) : null}
      <select aria-label="Assigned to" value={assignee?.id ?? ''} onChange={({ target }) => change({ assignee: target.value })}>
        {assignee ? null : <option value="">Unassigned</option>}
        {agents.map((agent) => (
          <option key={agent.id} value={agent.id}>
            {agent.id === user.id ? 'You' : agent.name}
          </option>
        ))}
      </select>
      <button type="button" onClick={() => change({ status: status === 'open' ? 'closed' : 'open' })}>
        {status === 'open' ? 'Close' : 'Reopen'}
      </button>
    </div>
  );
}
