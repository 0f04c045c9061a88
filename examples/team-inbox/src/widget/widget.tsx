import { PresenceIndicator, TypingIndicator, usePresence, useTyping } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Composer } from '../../../shared/react/composer.tsx';
import { Enter } from '../../../shared/react/enter.tsx';
import { conversationChannel, orgChannel } from '../channels.ts';
import { useConversation, useConversations } from '../hooks.ts';
import { MessageList } from '../parts/message-list.tsx';
import { type Said, useAgents } from '../parts/people.tsx';
import { Status, Trouble } from '../parts/status.tsx';
import { markSeen, useSeen } from '../seen.ts';
import { type Session, signIn, signOut } from '../session.ts';

/** Before somebody is known there is no connection: most visitors never write. */
export function Launcher({ onEnter }: { readonly onEnter: (session: Session) => void }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <Frame isOpen={isOpen} setOpen={setOpen} unread={false} title={<h2>Ask us anything</h2>}>
      <Enter action="Start the chat" enter={(name) => signIn('customer', name).then(onEnter)}>
        <h3>Hello!</h3>
        <p className="dim">Tell us your name, and somebody of the team answers right here.</p>
      </Enter>
    </Frame>
  );
}

/** The chat of a customer. Closed, it keeps only the customer's own channel, for the mark on the button. */
export function Widget({ session, startsOpen }: { readonly session: Session; readonly startsOpen: boolean }): ReactNode {
  const [isOpen, setOpen] = useState(startsOpen);
  const { id, org } = session.user;
  const { conversations } = useConversations(session);
  const last = conversations.find((conversation) => conversation.id === id)?.last;
  const seen = useSeen();
  const { members } = usePresence<Said>(isOpen ? orgChannel({ org }) : undefined, {});
  const agents = useAgents(members);
  const team = members.filter(({ key }) => key !== id && agents.some((agent) => agent.id === key));
  const online = team.filter(({ status }) => status === 'online');
  const status = online.length > 0 ? 'online' : team.length > 0 ? 'away' : 'offline';

  useEffect(() => {
    if (isOpen && last) markSeen(id, last.at);
  }, [isOpen, id, last]);

  const title = (
    <div>
      <h2>Acme support</h2>
      <p className="availability">
        <PresenceIndicator className="presence" status={status} />{' '}
        {online.length > 0
          ? `${online.map(({ data }) => data.name).join(', ')} online`
          : status === 'away'
            ? 'Back in a moment'
            : 'We answer as soon as we are back'}
      </p>
    </div>
  );
  return (
    <Frame
      isOpen={isOpen}
      setOpen={setOpen}
      unread={!isOpen && last !== undefined && last.from.id !== id && (seen[id] ?? 0) < last.at}
      title={title}
    >
      <Talk session={session} />
    </Frame>
  );
}

function Talk({ session }: { readonly session: Session }): ReactNode {
  const { id, org, name, role } = session.user;
  const channel = conversationChannel({ org, id });
  const list = useConversation(session, id);
  const typing = useTyping(channel, { me: { key: id, data: name } });
  usePresence<Said>(channel, { me: { key: id, data: { name, role } } });
  const [text, setText] = useState('');
  return (
    <>
      <Trouble />
      <MessageList
        me={id}
        list={list}
        empty={
          <>
            <h3>Hello {name}!</h3>
            <p className="dim">What can we do for you?</p>
          </>
        }
      />
      <TypingIndicator className="typing dim" typers={typing.typers} />
      <Composer label="Write to us" text={text} onText={setText} onSend={(text) => list.send({ text })} {...typing.inputProps} />
      <footer>
        <Status />
        <span className="dim">{role === 'agent' ? `${name}, of the team` : name}</span>
        <button type="button" className="link" onClick={signOut}>
          End
        </button>
      </footer>
    </>
  );
}

/** The button in the corner, and what it opens. Escape closes it. */
function Frame({
  isOpen,
  setOpen,
  unread,
  title,
  children,
}: {
  readonly isOpen: boolean;
  readonly setOpen: (isOpen: boolean) => void;
  readonly unread: boolean;
  readonly title: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <>
      {isOpen ? (
        <section
          className="widget"
          aria-label="Chat with Acme"
          onKeyDown={({ key }) => {
            if (key === 'Escape') setOpen(false);
          }}
        >
          <header>
            {title}
            <button type="button" aria-label="Close the chat" onClick={() => setOpen(false)}>
              ✕
            </button>
          </header>
          {children}
        </section>
      ) : null}
      <button
        type="button"
        className="launcher primary"
        aria-expanded={isOpen}
        data-unread={unread}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Close' : 'Chat with us'}
        {unread ? <span className="dot" role="img" aria-label="unread" /> : null}
      </button>
    </>
  );
}
