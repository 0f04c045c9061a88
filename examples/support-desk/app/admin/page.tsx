import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { AdminPage } from '../../client/admin-page.tsx';

export const metadata: Metadata = { title: 'Connections' };

export default function Page(): ReactNode {
  return <AdminPage />;
}
