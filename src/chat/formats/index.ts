/** Every tool-call format, and which one a chat template writes. */
import type { ToolFormat } from './format.ts';
import { functiongemma } from './functiongemma.ts';
import { hermes } from './hermes.ts';
import { lfm2 } from './lfm2.ts';
import { llama3 } from './llama3.ts';
import { qwen3_5 } from './qwen3_5.ts';

/** New formats are named here. */
export const formats = { hermes, llama3, functiongemma, lfm2, qwen3_5 } as const satisfies Record<
  string,
  ToolFormat
>;

export type FormatName = keyof typeof formats;

/** Texts that only templates of one format have; the first that is found decides. */
const MARKS: readonly (readonly [mark: string, name: FormatName])[] = [
  ['<|tool_call_start|>', 'lfm2'],
  ['<|tool_list_start|>', 'lfm2'],
  ['<start_function_call>', 'functiongemma'],
  ['<function=', 'qwen3_5'],
  ['<tool_call>', 'hermes'],
  ['<|python_tag|>', 'llama3'],
  ['"parameters": ', 'llama3'],
];

/** A format, and why it is the one. */
export interface ChosenFormat {
  readonly format: ToolFormat;
  /** Clause that goes on from "tool-call format: hermes, ". */
  readonly reason: string;
}

/** The format of a chat template, by its text alone; undefined where it writes calls in no way that is known. */
export function formatOf(template: string): ChosenFormat | undefined {
  const found = MARKS.find(([mark]) => template.includes(mark));
  if (found === undefined) return undefined;
  const [mark, name] = found;
  return { format: formats[name], reason: `because the chat template writes ${mark.trim()}` };
}
