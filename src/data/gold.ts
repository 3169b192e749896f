/**
 * Tells whether a record's own answer would earn full marks, as STAR's preparation asks of all data: the answer is scored
 * against itself with the Sim-RL reward, its thought emptied. This drops answers that call unknown functions, use
 * unknown arguments, or cannot be read back.
 */
import { hermes } from '../chat/formats/hermes.ts';
import { answerText } from '../chat/template.ts';
import { toTool } from '../chat/tool-documents.ts';
import { simrl } from '../rewards/simrl.ts';
import { type DataRecord, Rejection } from './record.ts';

/** Score that an answer must exceed. */
const FULL = 0.99;

/** Why the record's answer does not score above 0.99 against itself; undefined if it does, or if there is none. */
export function goldFault(record: DataRecord): Rejection | undefined {
  const last = record.messages.at(-1);
  if (last?.role !== 'assistant') return undefined;
  const { assistant, think, turn } = hermes;
  const label = `${think.close}${answerText(last, hermes)}${turn.close}\n`;
  const tools = record.tools.map(toTool);
  const scorer = simrl.prepare({ prompt: assistant + think.open, label, tools });
  const { answer, detail } = scorer.score(label);
  if (answer > FULL) return undefined;
  if (detail.kind === 'format_error') return new Rejection(detail.fault, detail.message);
  if (detail.kind === 'unusable_label') return new Rejection('unusable_label', detail.message);
  return new Rejection('gold_score', `The answer scores only ${answer.toFixed(3)} against itself.`);
}
