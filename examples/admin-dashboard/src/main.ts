import { writable } from 'keepwire';
import { observe } from 'keepwire/vanilla';
import type { SessionStatus } from '../messages.ts';
import { watchDesk } from './desk.ts';
import { ago, find, say } from './dom.ts';
import { connect, servers } from './realtime.ts';
import { type Filter, rowsOf } from './rows.ts';
import { showStatus } from './status.ts';
import { showTable } from './table.ts';

const wanted = new URLSearchParams(location.search).get('server') ?? '';
const server = Object.hasOwn(servers, wanted) ? wanted : 'ws';
const realtime = connect(server);
const desk = watchDesk(realtime, server);
const filter = writable<Filter>({ status: 'current', text: '' }, console.error);
const rows = rowsOf(desk, filter);

showStatus(realtime, desk);
showTable(find('#sessions'), rows, desk);
showTiles();
showEmptiness();
listenToControls();
find(`nav [data-server=${server}]`).setAttribute('aria-current', 'page');
realtime.start();

function showTiles(): void {
  const show = (): void => {
    const metrics = desk.metrics.get();
    const { waiting, active, endedToday, waitingSince = null } = metrics ?? {};
    say(find('#waiting'), String(waiting ?? '–'));
    say(find('#active'), String(active ?? '–'));
    say(find('#ended'), String(endedToday ?? '–'));
    say(find('#longest'), waitingSince === null ? '–' : ago(waitingSince));
    document.title = waiting ? `(${waiting}) Support desk` : 'Support desk';
  };
  observe(desk.metrics, show);
  setInterval(show, 1_000);
}

/** What stands in the place of a table without lines. */
function showEmptiness(): void {
  const show = (): void => {
    const { items, status } = desk.sessions.view.get();
    const kind = rows.get().length > 0 ? '' : items.length > 0 ? 'filtered' : status === 'ready' ? 'none' : status;
    find('#empty').dataset['kind'] = kind;
    for (const part of find('#empty').children) (part as HTMLElement).hidden = part.getAttribute('data-when') !== kind;
    find('table').hidden = kind !== '';
    say(find('#count'), kind === '' ? `${rows.get().length} of ${items.length}` : '');
  };
  observe(rows, show);
  observe(desk.sessions.view, show);
}

function listenToControls(): void {
  const search = find<HTMLInputElement>('#search');
  search.addEventListener('input', () => filter.set({ ...filter.get(), text: search.value }));
  find('#filters').addEventListener('change', ({ target }) => {
    filter.set({ ...filter.get(), status: (target as HTMLInputElement).value as SessionStatus });
  });
  find('#show-all').addEventListener('click', () => {
    search.value = '';
    find<HTMLInputElement>('#filters input[value=all]').checked = true;
    filter.set({ status: 'all', text: '' });
  });
  find('#load-again').addEventListener('click', () => {
    desk.sessions.reload();
    realtime.retryNow();
  });
  addEventListener('keydown', (event) => {
    const isTyping = (event.target as HTMLElement).matches('input, textarea');
    if (event.key === '/' && !isTyping) {
      search.focus();
      event.preventDefault();
    } else if (event.key === 'ArrowDown' && (event.target === search || event.target === document.body)) {
      find('#sessions').querySelector<HTMLElement>('tr')?.focus();
      event.preventDefault();
    } else if (event.key === 'Escape' && event.target === search) {
      search.value = '';
      filter.set({ ...filter.get(), text: '' });
    }
  });
}
