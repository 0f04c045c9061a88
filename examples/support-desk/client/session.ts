/** Somebody who is signed in. */
export interface Session {
  readonly user: { readonly id: string; readonly name: string };
  readonly token: string;
}

/** One tab is one user, so that two can be tried side by side. */
const key = 'support-desk.session';

/** The session of this tab. On the server there is none, and while the page hydrates it is not known. */
export function createSessionStore() {
  const listeners = new Set<() => void>();
  let session: Session | undefined;
  let isRead = false;

  function set(next: Session | undefined): void {
    session = next;
    isRead = true;
    if (next) sessionStorage.setItem(key, JSON.stringify(next));
    else sessionStorage.removeItem(key);
    for (const listener of [...listeners]) listener();
  }

  return {
    get(): Session | undefined {
      if (isRead) return session;
      isRead = true;
      const kept = sessionStorage.getItem(key);
      session = kept ? (JSON.parse(kept) as Session) : undefined;
      return session;
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** @throws Error with the words of the server */
    async signIn(name: string): Promise<void> {
      const response = await fetch('/api/auth/login', { method: 'POST', body: JSON.stringify({ name }) });
      const answer = (await response.json()) as Session & { error?: string };
      if (!response.ok) throw new Error(answer.error ?? 'the server failed');
      set(answer);
    },
    signOut: () => set(undefined),
  };
}

export type SessionStore = ReturnType<typeof createSessionStore>;
