import { useEffect, useState } from 'react';
// this file has not moved yet: it takes everything from the old names
import { realtimeManager, sendTypingIndicator, subscribeToTyping } from '../legacy.ts';

const replies = ['Thank you, I am looking into it.', 'Could you send the number of your order?', 'It is on its way.'];

interface Props {
  conversationId: string;
  channel: string;
  onChoose: (text: string) => void;
}

/** Answers that are there already. They step back while the other side writes. */
export function QuickReplies({ conversationId, channel, onChoose }: Props) {
  const [writers, setWriters] = useState<readonly string[]>([]);
  const [answered, setAnswered] = useState(0);

  useEffect(() => subscribeToTyping(conversationId, setWriters), [conversationId]);
  useEffect(() => realtimeManager.subscribe(channel, 'message', () => setAnswered((count) => count + 1)), [channel]);
  useEffect(() => () => sendTypingIndicator(conversationId, false), [conversationId]);

  return (
    <fieldset className="quick" data-writers={writers.join(', ')} data-heard={answered}>
      <legend className="unseen">Quick replies</legend>
      {replies.map((reply) => (
        <button
          key={reply}
          type="button"
          disabled={!realtimeManager.isConnected()}
          onClick={() => {
            sendTypingIndicator(conversationId, true);
            onChoose(reply);
          }}
        >
          {reply}
        </button>
      ))}
    </fieldset>
  );
}
