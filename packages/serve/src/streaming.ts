/** Answers as streams of what is new in them. */
import type { Delta } from './deltas.ts';
import type { AskOptions, Conversation, Reply, ServedModel } from './model.ts';

/** News of an answer; at its end, all of it. */
export type StreamPart = Delta | { readonly kind: 'end'; readonly reply: Reply };

/**
 * Answers a conversation bit by bit; whoever cancels the stream, as leaving a loop over it does, ends the answer. Fails as
 * `ask` does.
 */
export function streamed(
  model: ServedModel,
  conversation: Conversation,
  { signal, ...options }: Omit<AskOptions, 'onDelta'> = {},
): ReadableStream<StreamPart> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  return new ReadableStream<StreamPart>({
    start(stream): void {
      // Nothing is taken any more from a stream that was cancelled.
      const tell = (part: StreamPart): void => {
        if (!stop.signal.aborted) stream.enqueue(part);
      };
      model.ask(conversation, { ...options, signal: either, onDelta: tell }).then(
        (reply) => {
          tell({ kind: 'end', reply });
          if (!stop.signal.aborted) stream.close();
        },
        (thrown: unknown) => {
          if (!stop.signal.aborted) stream.error(thrown);
        },
      );
    },
    cancel(): void {
      stop.abort();
    },
  });
}
