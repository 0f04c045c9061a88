'use client';
import Link from 'next/link';
import { type ReactNode, useEffect } from 'react';
import { ChannelList } from './channel-list.tsx';
import { Conversation } from './conversation.tsx';
import { useDesk } from './provider.tsx';
import { useIsWide } from './use-is-wide.ts';

/** The chat: channels, the one that is shown, and the team room beside it where there is room. */
export function ChatPage({ channelId }: { readonly channelId: string }): ReactNode {
  const { setCurrent } = useDesk();
  const isWide = useIsWide();
  useEffect(() => setCurrent(channelId), [setCurrent, channelId]);
  return (
    <main className="chat-page">
      <nav className="side" aria-label="Channels">
        <ChannelList shown={channelId} />
      </nav>
      <Conversation
        key={channelId}
        channelId={channelId}
        place="page"
        actions={
          <Link className="back" href="/" aria-label="All channels">
            ←
          </Link>
        }
      />
      {isWide ? <Conversation channelId="team" place="pane" /> : null}
    </main>
  );
}

/** All channels, and the team room. */
export function OverviewPage(): ReactNode {
  const isWide = useIsWide();
  return (
    <main className="overview">
      <section aria-label="Channels">
        <h1>What is going on</h1>
        <ChannelList />
      </section>
      {isWide ? <Conversation channelId="team" place="pane" /> : null}
    </main>
  );
}
