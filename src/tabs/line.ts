import type { BroadcastChannelConstructor } from '../platform/sharing.ts';
import { readMessage, type TabMessage } from './wire.ts';

/** The channel to the other tabs: it hears only what is ours, and says nothing once it is closed. */
export interface Line {
  /** Gets what the others say. */
  hear: (message: TabMessage) => void;
  /** Says something to all the others. */
  post(message: TabMessage): void;
  close(): void;
}

/** @throws anything where the browser forbids it */
export function openLine(Channel: BroadcastChannelConstructor, group: string): Line {
  const channel = new Channel(group);
  let isClosed = false;
  const line: Line = {
    hear() {},
    post(message) {
      // an answer may come after the end of what it was for, and a channel that is closed throws
      if (isClosed) return;
      try {
        channel.postMessage(message);
      } catch {
        // it holds something that cannot be copied, as only a server in the same process can send; as JSON it goes
        channel.postMessage(JSON.parse(JSON.stringify(message)));
      }
    },
    close() {
      isClosed = true;
      channel.close();
    },
  };
  channel.onmessage = ({ data }) => {
    const message = readMessage(data);
    if (message) line.hear(message);
  };
  return line;
}
