/**
 * Tells whether a record's own answer would earn full marks, as STAR's preparation asks of all data: the answer is scored
 * against itself with the Sim-RL reward, its thought emptied. This drops answers that call unknown functions, use
 * unknown arguments, or cannot be read back.
 */
import { hermes } from '../chat/formats/hermes.ts';
import { answerText } from '../chat/template.ts';
import { dumps } from '../json/dumps.ts';
import type { PyDict } from '../json/python.ts';
import { simrl } from '../rewards/simrl.ts';
import { type DataRecord, Rejection } from './record.ts';

/** Score that an answer must exceed. */
const FULL = 0.99;

/** The smallest prompt with these tools that the reward can read; tags inside of them do not end it. */
function toolsPrompt(offered: readonly PyDict[]): string {
  const { assistant, think, tools } = hermes;
  const lines = offered.map((tool) => dumps(tool).replaceAll('<', '\\u003c'));
  return `${tools.open}\n${lines.join('\n')}\n${tools.close}\n${assistant}${think.open}`;
}

/** Why the record's answer does not score above 0.99 against itself; undefined if it does, or if there is none. */
export function goldFault(record: DataRecord): Rejection | undefined {
  const last = record.messages.at(-1);
  if (last?.role !== 'assistant') return undefined;
  const label = `${hermes.think.close}${answerText(last, hermes)}${hermes.turn.close}\n`;
  const scorer = simrl.prepare({ prompt: toolsPrompt(record.tools), label });
  const { answer, detail } = scorer.score(label);
  if (answer > FULL) return undefined;
  if (detail.kind === 'format_error') return new Rejection(detail.fault, detail.message);
  if (detail.kind === 'unusable_label') return new Rejection('unusable_label', detail.message);
  return new Rejection('gold_score', `The answer scores only ${answer.toFixed(3)} against itself.`);
}
