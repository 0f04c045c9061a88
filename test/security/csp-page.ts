// A page under a strict Content Security Policy with everything that touches the document, or the network, in it.
import { createRealtime, type RealtimeManager } from 'keepwire';
import { beacons } from 'keepwire/beacons';
import { mountDevtools } from 'keepwire/devtools';
import * as elements from 'keepwire/elements';
import { indexedDbStorage } from 'keepwire/indexeddb';
import { liveList } from 'keepwire/live-list';
import { longPoll } from 'keepwire/long-poll';
import { exposeForDebugging, logger, monitor } from 'keepwire/monitor';
import { presence } from 'keepwire/presence';
import { socketIo } from 'keepwire/socket-io';
import { sse } from 'keepwire/sse';
import { sharedTabs } from 'keepwire/tabs';
import { typing } from 'keepwire/typing';
import { bindList, bindStatus } from 'keepwire/vanilla';
import { websocket } from 'keepwire/websocket';

declare global {
  interface Window {
    violations: string[];
    kinds: string[];
    connected(): boolean;
    shown(): string;
    /** What the policy is there to stop, to see that it does. */
    offend(): string;
  }
}

window.violations = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
  window.violations.push(`${violatedDirective} ${blockedURI} ${sample}`),
);
window.kinds = Object.keys(elements);

const markup = '<img src=x onerror="document.title=1">';
const sendUrl = '/realtime/send';
const transports = [
  websocket({ url: '/realtime' }),
  sse({ url: '/realtime/sse', sendUrl }),
  longPoll({ url: '/realtime/poll', sendUrl }),
  socketIo({ url: location.origin }),
  sharedTabs(websocket({ url: '/realtime', name: 'shared' }), { key: 'k' }),
];

const managers: RealtimeManager[] = transports.map((transport, index) => {
  const watch = monitor();
  const realtime = createRealtime({
    transports: [transport],
    probe: index % 2 ? watch : logger({ level: 'debug', payloads: true }),
    outbox: { storage: indexedDbStorage({ user: markup, name: `csp-${index}` }) },
  });
  const room = realtime.channel(markup);
  const list = document.createElement('ul');
  const status = document.createElement('p');
  document.body.append(status, list);
  bindStatus(status, realtime);
  bindList(list, room.members, {
    key: ({ key }) => key,
    render: ({ key, data }) => Object.assign(document.createElement('li'), { textContent: `${key} ${JSON.stringify(data)}` }),
  });
  presence(room, { me: { key: markup, data: { name: markup } } });
  presence(realtime.channel('other'), { me: { key: markup }, source: beacons() });
  typing(room, { me: { key: markup } }).keystroke();
  liveList<{ id: string }>(room, { key: ({ id }) => id, load: async () => [{ id: markup }] });
  room.on(markup, () => {});
  room.publish(markup, { text: markup }).catch(() => {});
  const panel = mountDevtools(realtime, { monitor: watch, open: true });
  for (const tab of panel.element.shadowRoot?.querySelectorAll<HTMLElement>('[role=tab]') ?? []) tab.click();
  exposeForDebugging(realtime, { monitor: watch, when: 'always', name: `m${index}` });
  realtime.start();
  return realtime;
});

window.connected = () => managers.every(({ status }) => status.get().status === 'connected');
window.shown = () => document.body.textContent ?? '';
window.offend = () => {
  try {
    document.body.innerHTML = markup;
    return 'let through';
  } catch (error) {
    return String(error);
  }
};
