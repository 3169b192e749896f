/**
 * The texts that a model is trained on, of a dialogue that was read from a file: with every value as the file has it,
 * where a dialogue in memory has JavaScript's numbers, to which 5.0 is 5.
 */
import type { ChatTemplate, PromptAndTarget } from '../../chat/template.ts';
import { parseJson } from '../../json/parse.ts';
import { type DataRecord, readRecord, Rejection } from '../record.ts';
import { ofRow } from './modes.ts';

/** Prompt and target of the record on a line; throws a Rejection where it has no answer, or is refused. */
export function exactTexts(line: string, template: ChatTemplate, isLearned = true): PromptAndTarget {
  return recordTurn(readRecord(parseJson(line), 'line'), template, isLearned);
}

/** Prompt and target of a record; throws a Rejection where it has no answer, or is refused. */
export function recordTurn(
  { messages, tools }: DataRecord,
  template: ChatTemplate,
  isLearned = true,
): PromptAndTarget {
  const last = messages.at(-1);
  if (last?.role !== 'assistant')
    throw new Rejection('no_answer', 'The record does not end with an answer of the assistant.');
  return ofRow(() => template.turn({ messages: messages.slice(0, -1), tools }, last, isLearned));
}
