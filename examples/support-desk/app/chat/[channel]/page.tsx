import { notFound } from 'next/navigation';
import type { ReactNode } from 'react';
import { ChatPage } from '../../../client/chat-page.tsx';
import { openDesk } from '../../../server/desk.ts';

export default async function Page({ params }: { readonly params: Promise<{ channel: string }> }): Promise<ReactNode> {
  const { channel } = await params;
  if (!Object.hasOwn(await (await openDesk()).database.positions(), channel)) notFound();
  return <ChatPage channelId={channel} />;
}
