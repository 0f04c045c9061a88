import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { type Auth, createAuth, type Identity } from '../server/auth.ts';
import type { PublishFrame } from '../server/frames.ts';
import type { Log, LogEntry } from '../server/log.ts';
import { createMemoryLog } from '../server/memory-log.ts';
import type { Refusal } from '../server/sends.ts';
import { createServer, type ReferenceServer, type ServerStats } from '../server/server.ts';
import { systemTime } from '../server/time.ts';
import { type Call, createRoutes, HttpError, textOf } from '../shared/http.ts';
import type { StoredMessage } from '../shared/message-store.ts';
import { bearerOf } from '../shared/tokens.ts';
import { createLedger, type Member, personOf } from './ledger.ts';
import { sow } from './seeds.ts';
import { type Conversation, events } from './src/events.ts';

/** How the server is run. */
export interface InboxServerOptions {
  /** @defaultValue `0`: a free one */
  readonly port?: number;
  /** How long a token is good, in seconds. @defaultValue `900` */
  readonly tokenLifeS?: number;
}

/** An event that was taken. */
export interface TakenEvent {
  readonly channel: string;
  readonly event: string;
  readonly from: string;
}

/** How the server is restarted. */
export interface InboxRestart {
  /** Loses the log, as a crash would. @defaultValue `false` */
  readonly losesLog?: boolean;
  /** Runs while it is down. */
  readonly meanwhile?: () => Promise<void>;
}

/** The server of the team inbox: keepwire's protocol over all transports, and a history by REST. */
export interface InboxServer {
  readonly url: string;
  /** The last 1,000 events that were taken, kept and volatile ones. */
  readonly taken: readonly TakenEvent[];
  /** Open connections, and the channels that they are in. */
  stats(): ServerStats;
  /** Everything that was said in a conversation, as it is stored. */
  messages(conversation: string): readonly StoredMessage[];
  conversations(org: string): readonly Conversation[];
  /** Says something in the name of somebody. */
  say(conversation: string, from: string, text: string): Promise<void>;
  /** Puts an event into a channel that no schema has seen. */
  smuggle(channel: string, event: string, data: unknown): Promise<void>;
  /** Cuts connections without a word. */
  cut(user?: string): number;
  /** Ends, and begins again at the same address; the log of the realtime server may get lost, the messages never do. */
  restart(options?: InboxRestart): Promise<void>;
  close(): Promise<void>;
}

const orgs: readonly string[] = ['acme', 'globex'];

/** Who is gone for longer than this has left; long enough for a reload. */
const limits = { graceMs: 4_000 };

/** Starts the server. */
export async function createInboxServer(options: InboxServerOptions = {}): Promise<InboxServer> {
  const { tokenLifeS = 900 } = options;
  const secret = new TextEncoder().encode(process.env['SECRET'] ?? 'a secret of this example and no other');
  const auth: Auth = createAuth(secret, false, systemTime);
  const ledger = createLedger();
  const memory = createMemoryLog();
  const taken: TakenEvent[] = [];
  const log: Log & Pick<typeof memory, 'forget'> = { ...memory, append, pass };

  sow(ledger);
  let server = await listen(options.port ?? 0);
  const { url, port } = server;

  return {
    url,
    taken,
    stats: () => server.stats(),
    messages: ledger.all,
    conversations: ledger.conversations,
    async say(conversation, from, text) {
      const org = ledger.member(conversation)?.org ?? '';
      await log.append(`org:${org}:conversation:${conversation}`, entryOf('message', { text }, from));
    },
    smuggle: async (channel, event, data) => void (await memory.append(channel, entryOf(event, data, 'server'))),
    cut: (user) => server.dropLinks(user === undefined ? {} : { user }),
    async restart({ losesLog = false, meanwhile } = {}) {
      await server.close();
      if (losesLog) log.forget();
      await meanwhile?.();
      server = await listen(port);
    },
    close: () => server.close(),
  };

  function listen(at: number): Promise<ReferenceServer> {
    return createServer({ port: at, secret, log, limits, admit, authorize, onPublish, onRequest, fallback: routes() });
  }

  /** Everybody whose token is good is let in. After a restart of the process the tokens say who they are. */
  function admit(_: string, identity: Identity): true {
    ledger.remember(memberOf(identity));
    return true;
  }

  /** An organisation's channel is for everybody of it, a conversation for agents and its customer, the rest for one user. */
  function authorize(user: string, channel: string, identity: Identity): true | Refusal {
    const { org, role } = memberOf(identity);
    const place = placeOf(channel);
    const isOwn = place?.kind === undefined || place.id === user;
    if (place?.org === org && (isOwn || (place.kind === 'conversation' && role === 'agent'))) return true;
    return { code: 'forbidden', message: `${channel} is not for ${user}` };
  }

  /** What does not fit its schema, or does not belong where it is sent to, gets no further. */
  function onPublish({ channel, event, data, reply }: PublishFrame): true | Refusal {
    const schema = Object.hasOwn(events, event) ? events[event as keyof typeof events] : undefined;
    const kind = placeOf(channel)?.kind;
    const isExpected = reply ? event === 'change' : kind === 'conversation' && (event === 'message' || event === 'typing');
    if (!schema || !isExpected) return { code: 'unexpected', message: `${event} cannot be sent there` };
    const { success, error } = schema.safeParse(data);
    return success || { code: 'bad-payload', message: error.issues.map(({ message }) => message).join(', ') };
  }

  async function onRequest({ data }: PublishFrame, user: string): Promise<Conversation> {
    const agent = ledger.member(user);
    const { conversation, status, assignee } = events.change.parse(data);
    const customer = ledger.member(conversation);
    const chosen = assignee === undefined ? undefined : ledger.member(assignee);
    if (agent?.role !== 'agent' || customer?.org !== agent.org) throw new Error('only an agent can change a conversation');
    if (assignee !== undefined && (chosen?.role !== 'agent' || chosen.org !== agent.org))
      throw new Error('there is no such agent');
    const changed = ledger.change(conversation, { ...(status && { status }), ...(chosen && { assignee: personOf(chosen) }) });
    if (!changed) throw new Error('there is no such conversation');
    await tellOf(changed, agent.org);
    if (chosen && chosen.id !== user) {
      const news = { conversation, customer: customer.name, by: agent.name };
      await memory.append(`org:${agent.org}:user:${chosen.id}`, entryOf('assigned', news, 'server'));
    }
    return changed;
  }

  /** A message is stored before it is in the log, and carries what the store says of it. */
  async function append(channel: string, entry: LogEntry): ReturnType<Log['append']> {
    const place = placeOf(channel);
    const author = ledger.member(entry.from);
    if (entry.event !== 'message' || place?.kind !== 'conversation' || !author) return memory.append(channel, entry);
    const { text } = events.message.parse(JSON.parse(entry.data ?? 'null'));
    const { message, isNew } = ledger.write(place.id, author, text, entry.id);
    const data = JSON.stringify({ text, author: personOf(author), number: Number(message.id) });
    const appended = await memory.append(channel, { ...entry, data, at: message.at });
    if (!isNew) return appended;
    note({ channel, event: 'message', from: author.id });
    const conversation = ledger.conversation(place.id);
    if (conversation) await tellOf(conversation, place.org);
    return appended;
  }

  function pass(channel: string, entry: LogEntry): Promise<void> {
    note({ channel, event: entry.event, from: entry.from });
    return memory.pass(channel, entry);
  }

  function note(event: TakenEvent): void {
    taken.push(event);
    if (taken.length > 1_000) taken.shift();
  }

  /** The agents and the customer hear of a conversation wherever they are, each on a channel of their own. */
  async function tellOf(conversation: Conversation, org: string): Promise<void> {
    const readers = ledger.members(org).filter(({ id, role }) => role === 'agent' || id === conversation.id);
    await Promise.all(
      readers.map(({ id }) => memory.append(`org:${org}:user:${id}`, entryOf('conversation', conversation, 'server'))),
    );
  }

  function routes(): ReturnType<typeof createRoutes> {
    return createRoutes({
      'POST /api/agent': (call) => enter(call, 'agent'),
      'POST /api/customer': (call) => enter(call, 'customer'),
      'POST /api/refresh': async (call) => ({ body: { token: await sign(await userOf(call)) } }),
      'GET /api/agents': async (call) => {
        const { org } = await userOf(call);
        const agents = ledger.members(org).filter(({ role }) => role === 'agent');
        return { body: agents.map(personOf) };
      },
      'GET /api/conversations': async (call) => {
        const { org, role, id } = await userOf(call);
        return { body: ledger.conversations(org).filter((conversation) => role === 'agent' || conversation.id === id) };
      },
      'GET /api/conversations/:id/messages': async (call) => {
        const user = await userOf(call);
        const { id = '' } = call.params;
        const isAllowed = id === user.id || (user.role === 'agent' && ledger.member(id)?.org === user.org);
        if (!isAllowed) throw new HttpError(403, 'this conversation is not yours');
        const before = Number(call.query.get('before') ?? Number.POSITIVE_INFINITY);
        const limit = Math.min(100, Number(call.query.get('limit') ?? 30));
        return { body: ledger.page(id, before, limit).map(toWire) };
      },
      'GET /api/stats': async (call) => {
        const { org, role } = await userOf(call);
        if (role !== 'agent') throw new HttpError(403, 'this is for agents');
        const { links, opened, channels } = server.stats();
        return { body: { links, opened, channels: channels.filter(({ channel }) => placeOf(channel)?.org === org) } };
      },
    });
  }

  /** Anybody may be anybody here; put your own sign-in in its place. */
  async function enter({ json }: Call, role: Member['role']): Promise<{ body: unknown }> {
    const body = await json();
    const name = textOf(body, 'name', 40);
    const org = typeof body['org'] === 'string' && orgs.includes(body['org']) ? body['org'] : 'acme';
    const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const id = role === 'agent' ? `${org}-${slug}` : `${slug}-${randomUUID().slice(0, 8)}`;
    const member: Member = { id, name, org, role };
    ledger.remember(member);
    return { body: { token: await sign(member), user: member } };
  }

  function sign({ id, name, org, role }: Member): Promise<string> {
    return auth.signToken(id, { expiresInS: tokenLifeS, claims: { name, org, role } });
  }

  async function userOf({ request }: Call): Promise<Member> {
    const verdict = await auth.identify(bearerOf(request.headers.authorization), '');
    if (verdict.kind === 'refused') throw new HttpError(401, verdict.message);
    return memberOf(verdict.identity);
  }

  function toWire({ id, from, text, at, clientId }: StoredMessage): unknown {
    const author = ledger.member(from);
    return { id: clientId ?? id, number: Number(id), author: author && personOf(author), text, at };
  }
}

/** What a channel is for; the ids of this server need no escapes. */
function placeOf(channel: string): { org: string; kind?: 'conversation' | 'user'; id: string } | undefined {
  const [, org, kind, id = ''] = /^org:([a-z0-9-]+)(?::(conversation|user):([a-z0-9-]+))?$/.exec(channel) ?? [];
  return org === undefined ? undefined : { org, kind: kind as 'conversation' | 'user' | undefined, id };
}

function memberOf({ user, claims }: Identity): Member {
  return {
    id: user,
    name: String(claims['name']),
    org: String(claims['org']),
    role: claims['role'] === 'agent' ? 'agent' : 'customer',
  };
}

function entryOf(event: string, data: unknown, from: string): LogEntry {
  return { id: randomUUID(), event, data: JSON.stringify(data), at: Date.now(), from };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await createInboxServer({ port: Number(process.env['PORT'] ?? 4400) });
  console.log(`the inbox's server listens at ${url}`);
}
