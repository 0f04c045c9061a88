import type { Ledger, Member } from './ledger.ts';

const agents: readonly (readonly [id: string, name: string])[] = [
  ['acme-robin', 'Robin'],
  ['acme-sam', 'Sam'],
];

const talks: readonly { readonly id: string; readonly name: string; readonly lines: readonly string[] }[] = [
  {
    id: 'mika-berg',
    name: 'Mika Berg',
    lines: [
      'My chain jumps on the two smallest cogs since the last service. Can I bring it in?',
      'robin: Of course. That is covered, as the service was less than a month ago.',
      'robin: Thursday at ten, or any time on Friday?',
      'Friday is perfect, thank you!',
    ],
  },
  {
    id: 'noor-haddad',
    name: 'Noor Haddad',
    lines: ['Does the Tern cargo bike fit through a door of 78 cm?', 'sam: Just so: it is 72 cm wide with the pedals level.'],
  },
  {
    id: 'li-chen',
    name: 'Li Chen',
    lines: ['The left pannier of order 5521 has a broken buckle.', 'I can send a picture if you like.'],
  },
];

/** Fills an organisation, so that nobody begins with an empty page. */
export function sow(ledger: Ledger): void {
  const org = 'acme';
  for (const [id, name] of agents) ledger.remember({ id, name, org, role: 'agent' });
  for (const { id, name, lines } of talks) {
    const customer: Member = { id, name, org, role: 'customer' };
    ledger.remember(customer);
    for (const line of lines) {
      const [, agent, text] = /^(robin|sam): (.+)$/.exec(line) ?? [];
      const author = agent === undefined ? customer : (ledger.member(`acme-${agent}`) ?? customer);
      ledger.write(id, author, text ?? line);
    }
  }
}
