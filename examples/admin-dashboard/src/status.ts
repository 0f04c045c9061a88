import { bindStatus, observe } from 'keepwire/vanilla';
import { statusWords, untilRetry } from '../../shared/words.ts';
import type { Desk } from './desk.ts';
import { find, say } from './dom.ts';
import { pollEveryMs, type Realtime } from './realtime.ts';

const wordOf = { ...statusWords, disconnected: 'Paused' };

/** Shows how the connection is, and what to make of what is on the screen. */
export function showStatus(realtime: Realtime, { sessions }: Desk): void {
  bindStatus(find('#status'), realtime, {
    text: ({ status, transport }) =>
      status === 'connected' && transport === 'polling' ? `Every ${pollEveryMs / 1000} s` : wordOf[status],
  });
  const banner = find('#banner');
  const [what, when] = [find('#banner .what'), find('#banner .when')];
  find('#banner button').addEventListener('click', () => {
    if (realtime.status.get().status === 'connected') sessions.reload();
    else realtime.start();
    realtime.retryNow();
  });
  /** Until when the screen was up to date. */
  let goodUntil: Date | undefined;

  function show(): void {
    const { status, blocked, attempt, nextRetryAt, reason, holds } = realtime.status.get();
    const view = sessions.view.get();
    const isConnected = status === 'connected';
    const isFresh = isConnected && view.isLive;
    if (isFresh) goodUntil = undefined;
    else goodUntil ??= new Date();
    document.body.toggleAttribute('data-stale', !isFresh && view.items.length > 0);

    const old = view.items.length > 0 ? ` What you see is from ${goodUntil?.toLocaleTimeString() ?? 'before'}.` : '';
    let kind = '';
    let words = '';
    // changes every second, and is not read out
    let countdown = '';
    if (isConnected && view.status === 'failed') {
      [kind, words] = ['failed', `The sessions could not be loaded.${old}`];
    } else if (isConnected && blocked.length > 0) {
      [kind, words] = ['polling', 'Live updates are blocked here, so the server is asked every few seconds.'];
    } else if (status === 'failed') {
      [kind, words] = ['failed', `${reason?.message ?? 'The server has ended the connection'}.${old}`];
    } else if (holds.includes('offline')) {
      [kind, words] = ['offline', `You are offline.${old}`];
    } else if (!isConnected && attempt > 0) {
      countdown = untilRetry(nextRetryAt, Date.now());
      [kind, words] = ['reconnecting', `The server cannot be reached.${old}`];
    }
    banner.hidden = kind === '';
    banner.dataset['kind'] = kind;
    banner.classList.toggle('bad', kind === 'failed');
    find('#banner button').hidden = kind === 'polling' || kind === 'offline';
    say(what, words);
    say(when, countdown);
  }

  observe(realtime.status, show);
  observe(sessions.view, show);
  // the countdown
  setInterval(show, 1_000);
}
