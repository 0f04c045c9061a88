import type { Channel, PresenceMember } from 'keepwire';
import type { Me } from './companion.ts';

/** Somebody who is there, as a source tells it. */
export interface SourceMember extends PresenceMember {
  /** On how many tabs and devices, where that is known. */
  readonly devices?: number;
}

/** A source that runs. */
export interface PresenceFeed {
  /** Enters us, or says something new about us; said again after a reconnect. */
  announce(data: object): void;
  /** Takes us out, and ends it. */
  close(): void;
}

/**
 * Where it is known from who is there.
 *
 * @param changed - is to be called with everybody who is there, at each change; the same object stands for the same news.
 * `isNews` is false while it is told who was there before us
 */
export type PresenceSource = (
  channel: Channel,
  me: Me | undefined,
  changed: (members: readonly SourceMember[], isNews: boolean) => void,
) => PresenceFeed;

/** The server's own presence frames. */
export const serverPresence: PresenceSource = (channel, me, changed) => {
  let isNews = false;
  let isFollowing = false;
  let isEntered = false;
  const stop = channel.members.subscribe((members) => {
    changed(members, isNews);
    // the first list is that of those who were there before us; for who only watches it may be empty, as it is before it comes
    isNews ||= members.length > 0 || (isFollowing && !me);
  });
  isFollowing = true;
  return {
    announce(data) {
      channel.enter(data);
      isEntered = true;
    },
    close() {
      stop();
      if (isEntered) channel.exit();
    },
  };
};
