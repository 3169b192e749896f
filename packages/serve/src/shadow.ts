/** A file of what a larger model answers, as lines {messages, tools} that `tinystar init --tools` reads as traces. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorText, UserError } from '../../../src/base/errors.ts';

/** Keeps a conversation, its last message an answer, with the tools that there were. */
export type Recorder = (trace: {
  readonly messages: readonly object[];
  readonly tools: readonly object[];
}) => void;

/**
 * A recorder that appends to a file, whose folder is made. What cannot be written later, on a full disk for instance, is told once
 * and costs nobody an answer. Throws a UserError where nothing can be written to it at all.
 */
export function recordIn(path: string, tell: (sentence: string) => void): Recorder {
  try {
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, '');
  } catch (thrown) {
    throw new UserError(
      'SHADOW',
      `Nothing can be written to ${path}: ${errorText(thrown)}; name another file with --shadow.`,
    );
  }
  let isTold = false;
  return (trace) => {
    try {
      appendFileSync(path, `${JSON.stringify(trace)}\n`);
    } catch (thrown) {
      if (!isTold)
        tell(`Answers of the upstream server are no longer recorded in ${path}: ${errorText(thrown)}.`);
      isTold = true;
    }
  };
}
