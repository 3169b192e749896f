/**
 * Llama 3's format: one bare JSON object `{"name": ..., "parameters": {...}}`, several with semicolons between them, also
 * after `<|python_tag|>`. As vLLM's parser has it, words may stand around the objects, and `arguments` will do for `parameters`;
 * an object that does not begin with one of a call's keys is part of the words.
 */
import { endOfObject, jsonCall, jsonGrammar, readJsonCall, type ToolFormat } from './format.ts';
import { hermes } from './hermes.ts';

const TAG = '<|python_tag|>';
const NO_TAGS = { open: '', close: '' };
const START = /\{\s*"(?:type|name|parameters|arguments)"\s*:/g;

/** Beginnings and ends of the calls in an answer; of one that never ends there is no end. */
function spansOf(answer: string): { readonly start: number; readonly end: number | undefined }[] {
  const spans: { start: number; end: number | undefined }[] = [];
  for (let at = 0; ;) {
    START.lastIndex = at;
    const start = START.exec(answer)?.index;
    if (start === undefined) return spans;
    const end = endOfObject(answer, start);
    spans.push({ start, end });
    if (end === undefined) return spans;
    at = end;
  }
}

function callBlocks(answer: string): readonly string[] | undefined {
  const spans = spansOf(answer);
  if (spans.length > 0)
    return spans.flatMap(({ start, end }) => (end === undefined ? [] : [answer.slice(start, end)]));
  // A tag promises a call, and something else stands behind it.
  const tag = answer.indexOf(TAG);
  return tag < 0 ? undefined : [answer.slice(tag + TAG.length)];
}

function outsideOfCalls(answer: string): string {
  let rest = '';
  let at = 0;
  for (const { start, end } of spansOf(answer)) {
    if (end === undefined) break;
    rest += answer.slice(at, start);
    at = end + (/^\s*;/.exec(answer.slice(end, end + 16))?.[0].length ?? 0);
  }
  return (rest + answer.slice(at)).replace(TAG, '');
}

const HEADER = '<|start_header_id|>';

/** The chat template writes no words beside calls. */
export const llama3: ToolFormat = {
  name: 'llama3',
  think: hermes.think,
  thought: hermes.thought,
  thinks: false,
  call: { open: '{', close: '' },
  grammar: {
    ...jsonGrammar('parameters', NO_TAGS, { between: '; ' }),
    begins: `${START.source}|${TAG.replaceAll('|', '\\|')}`,
  },
  tools: undefined,
  special: [TAG],
  turn: { open: HEADER, close: '<|eot_id|>' },
  assistant: `${HEADER}assistant<|end_header_id|>\n\n`,
  render: (content, calls) =>
    calls.length === 0 ? content : calls.map((call) => jsonCall(call, 'parameters')).join('; '),
  callBlocks,
  readCall: (block) =>
    readJsonCall(block, 'parameters', (call) => call.get('parameters') ?? call.get('arguments')),
  outsideOfCalls,
};
