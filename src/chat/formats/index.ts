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
export const FORMAT_NAMES = Object.keys(formats) as [FormatName, ...FormatName[]];

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

/** Comment of a template whose format somebody has named; it goes where the template goes. */
const NAMED = /\{#- tool-call format: (\w+) #\}/;

/** A template that says its own format. */
export const withFormat = (template: string, name: FormatName): string =>
  `{#- tool-call format: ${name} #}${template}`;

const isFormat = (name: string): name is FormatName => Object.hasOwn(formats, name);

/** The format of a chat template, by its text alone; undefined where it writes calls in no way that is known. */
export function formatOf(template: string): ChosenFormat | undefined {
  const named = NAMED.exec(template)?.[1] ?? '';
  if (isFormat(named)) return { format: formats[named], reason: 'because it was named' };
  const found = MARKS.find(([mark]) => template.includes(mark));
  if (found === undefined) return undefined;
  const [mark, name] = found;
  return { format: formats[name], reason: `because the chat template writes ${mark.trim()}` };
}
