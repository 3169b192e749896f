/**
 * Kinds of answers of the assistant, by the rules of STAR's labelling: `response` has words, `single` one
 * call, `parallel` several, and `multi-step` calls after a tool's result. The tags can come together.
 */
import type { ExactMessage } from '../chat/messages.ts';
import type { PyDict, PyValue } from '../json/python.ts';
import { type DataRecord, recordLine } from './record.ts';

const TAGS = ['response', 'single', 'parallel', 'multi-step'] as const;
export type Tag = (typeof TAGS)[number];

export interface Label {
  readonly tags: readonly Tag[];
  /** Half the messages up to this one; messages of tools count too, so it is more than the user's turns. */
  readonly turns: number;
  readonly calls: number;
}

function labelAt(message: ExactMessage, index: number, previous: ExactMessage | undefined): Label {
  const calls = message.toolCalls?.length ?? 0;
  const tags: Tag[] = [];
  if (message.content !== '') tags.push('response');
  if (calls > 0) tags.push(calls > 1 ? 'parallel' : 'single');
  if (calls > 0 && previous?.role === 'tool') tags.push('multi-step');
  return { tags, turns: Math.floor((index + 1) / 2), calls };
}

export function labelsOf({ messages }: DataRecord): Label[] {
  return messages.flatMap((message, index) =>
    message.role === 'assistant' ? [labelAt(message, index, messages[index - 1])] : [],
  );
}

/** The label of the last answer, by which records are mixed; undefined if there is none. */
export function lastLabel(record: DataRecord): Label | undefined {
  return labelsOf(record).at(-1);
}

const labelValue = ({ tags, turns, calls }: Label): PyDict =>
  new Map(Object.entries<PyValue>({ tags, turns: BigInt(turns), calls: BigInt(calls) }));

/** A record as one line of JSON with the labels of its answers, in order, under "labels". */
export function labelledLine(record: DataRecord): string {
  return recordLine(record, new Map([['labels', labelsOf(record).map(labelValue)]]));
}

export const CATEGORIES = ['single-turn', 'multi-turn', ...TAGS] as const;
export type Category = (typeof CATEGORIES)[number];

/** The categories that quotas are set for; a record is in several. */
export function categoriesOf(label: Label): Category[] {
  return [label.turns > 1 ? 'multi-turn' : 'single-turn', ...label.tags];
}
