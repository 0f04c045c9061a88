import { RealtimeProvider } from 'keepwire/react';
import { type ReactNode, useState } from 'react';
import { inbox } from '../realtime.ts';
import { type Session, session } from '../session.ts';
import { Launcher, Widget } from './widget.tsx';

const bikes = [
  { name: 'Tern', about: 'Carries two children or a week of shopping', price: '3,290 €', hue: 25 },
  { name: 'Swift', about: 'Light, quick, and at home in any weather', price: '1,480 €', hue: 160 },
  { name: 'Heron', about: 'For long ways with a lot of luggage', price: '2,150 €', hue: 250 },
];

/** A page of a shop, which has a chat in its corner. */
export function Shop(): ReactNode {
  const [user, setUser] = useState<Session | undefined>(session);
  /** Whoever has just told the name goes on in the open chat. */
  const [isNew, setNew] = useState(false);
  const enter = (entered: Session): void => {
    setNew(true);
    setUser(entered);
  };
  return (
    <>
      <div className="shop">
        <header>
          <b>Acme Bikes</b>
          <a href="/agent">For our team</a>
        </header>
        <main>
          <h1>Bikes that last</h1>
          <p className="dim">Built in one workshop, looked after for life. Questions? We are in the corner below.</p>
          <ul>
            {bikes.map(({ name, about, price, hue }) => (
              <li key={name} style={{ '--bike': hue } as Record<string, number>}>
                <svg className="picture" viewBox="0 0 120 66" aria-hidden="true">
                  <circle cx="26" cy="42" r="17" />
                  <circle cx="94" cy="42" r="17" />
                  <path d="M26 42 46 18h36L60 42zM60 42 43 13m-7 0h14M94 42 80 10h10" />
                </svg>
                <h2>{name}</h2>
                <p className="dim">{about}</p>
                <b>{price}</b>
              </li>
            ))}
          </ul>
        </main>
      </div>
      {user ? (
        <RealtimeProvider manager={inbox().realtime}>
          <Widget session={user} startsOpen={isNew} />
        </RealtimeProvider>
      ) : (
        <Launcher onEnter={enter} />
      )}
    </>
  );
}
