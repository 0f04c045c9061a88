import type { ReactNode } from 'react';
import { OverviewPage } from '../client/chat-page.tsx';

export default function Page(): ReactNode {
  return <OverviewPage />;
}
