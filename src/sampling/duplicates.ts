/** STAR's rule of which answers to one prompt are the same: equal thought, and equal reply or equal calls in any order. */
import type { ToolFormat, WrittenCall } from '../chat/formats/format.ts';
import { assistantTurn, parseGeneration } from '../chat/generation.ts';
import { dumps } from '../json/dumps.ts';
import type { PyValue } from '../json/python.ts';

function callText({ name, arguments: given }: WrittenCall): string {
  return dumps(new Map(Object.entries<PyValue>({ name, arguments: given })), { sortKeys: true });
}

/** Equal for answers to `prompt` that the reference takes for duplicates; what cannot be read equals only itself. */
export function answerKey(prompt: string, generation: string, format: ToolFormat): string {
  const parsed = parseGeneration(assistantTurn(prompt, generation, format), format);
  if (parsed.kind === 'malformed') return JSON.stringify(['malformed', generation]);
  const said = parsed.kind === 'reply' ? parsed.reply : parsed.calls.map(callText).toSorted();
  return JSON.stringify([parsed.think, parsed.kind, said]);
}
