import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { DeskProvider } from '../client/provider.tsx';
import { openDesk } from '../server/desk.ts';
import './style.css';

export const metadata: Metadata = {
  title: { default: 'Support desk', template: '%s · Support desk' },
  description: 'A support desk whose administrator chooses how browsers are connected, by keepwire.',
};
export const viewport: Viewport = { colorScheme: 'light dark', interactiveWidget: 'resizes-content' };
/** The settings are read for each request, not when the pages are built. */
export const dynamic = 'force-dynamic';

export default async function Layout({ children }: { readonly children: ReactNode }): Promise<ReactNode> {
  const settings = await (await openDesk()).database.readSettings();
  return (
    <html lang="en" data-connection-mode={settings.connectionMode}>
      <body>
        <DeskProvider settings={settings}>{children}</DeskProvider>
      </body>
    </html>
  );
}
