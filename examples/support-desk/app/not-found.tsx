import Link from 'next/link';
import type { ReactNode } from 'react';

export default function NotFound(): ReactNode {
  return (
    <main className="empty">
      <h1>There is nothing here</h1>
      <p className="dim">
        <Link href="/">Back to the overview</Link>
      </p>
    </main>
  );
}
