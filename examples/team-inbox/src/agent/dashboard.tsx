import { usePresence } from 'keepwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { orgChannel, userChannel } from '../channels.ts';
import { useConversations, useEvent, usePlace } from '../hooks.ts';
import { PersonLine, type Said, StatusChoice, useAgents } from '../parts/people.tsx';
import { Trouble } from '../parts/status.tsx';
import { type Session, signOut } from '../session.ts';
import { ConversationList } from './conversation-list.tsx';
import { MonitorPage } from './monitor-page.tsx';
import { Pane } from './pane.tsx';

/** The server has a grace time already; who has left is shown for ten minutes. */
const patience = { graceMs: 2_000, rememberMs: 600_000 };

/** Everything of an agent: the conversations, one of them, and the team. */
export function Dashboard({ session }: { readonly session: Session }): ReactNode {
  const { id, org, name } = session.user;
  const [place, go] = usePlace();
  const { conversations, status } = useConversations(session);
  const team = usePresence<Said>(orgChannel({ org }), { me: { key: id, data: { name, role: 'agent' } }, ...patience });
  const agents = useAgents(team.members);
  const shown = conversations.find((conversation) => conversation.id === place);
  const view = place === 'monitor' ? 'monitor' : shown ? 'conversation' : 'list';

  useEffect(() => {
    document.title = shown ? `${shown.customer} · Team inbox` : 'Team inbox';
  }, [shown]);

  return (
    <div className="inbox" data-view={view}>
      <aside className="side">
        {view === 'list' ? <Trouble /> : null}
        <ConversationList me={id} conversations={conversations} status={status} shown={shown?.id} go={go} />
        <footer>
          <span className="avatar" aria-hidden="true">
            {name.slice(0, 1).toUpperCase()}
          </span>
          <b>{name}</b>
          <StatusChoice people={team} />
          <button type="button" className="link" onClick={signOut}>
            Sign out
          </button>
        </footer>
      </aside>
      {view === 'monitor' ? <MonitorPage go={go} /> : null}
      {shown ? <Pane key={shown.id} session={session} conversation={shown} agents={agents} go={go} /> : null}
      {view === 'list' ? (
        <main className="empty nothing">
          <h3>{status === 'failed' ? 'The conversations could not be loaded' : 'No conversation is open'}</h3>
          <p className="dim">Choose one on the left. New ones come by themselves.</p>
        </main>
      ) : null}
      <aside className="team" aria-label="Team">
        <h2>Team</h2>
        <ul>
          {agents.map((agent) => (
            <PersonLine
              key={agent.id}
              name={agent.name}
              note={agent.id === id ? '(you)' : undefined}
              member={team.members.find(({ key }) => key === agent.id)}
            />
          ))}
        </ul>
        <nav>
          <a href="#monitor">Connection monitor</a>
          <a href="/">The shop and its widget</a>
        </nav>
      </aside>
      <Assigned session={session} go={go} />
    </div>
  );
}

/** Somebody gave us a conversation. */
function Assigned({ session: { user }, go }: { readonly session: Session; readonly go: (place: string) => void }): ReactNode {
  const [news, setNews] = useState<{ readonly conversation: string; readonly customer: string; readonly by: string }>();
  useEvent(userChannel({ org: user.org, id: user.id }), 'assigned', setNews);
  if (!news) return null;
  return (
    <div className="toast" role="alert">
      <p>
        {news.by} gave you <b>{news.customer}</b>.
      </p>
      <button
        type="button"
        className="primary"
        onClick={() => {
          go(news.conversation);
          setNews(undefined);
        }}
      >
        Open
      </button>
      <button type="button" onClick={() => setNews(undefined)}>
        Later
      </button>
    </div>
  );
}
