/**
 * Reads what a Qwen3 model wrote as calls: the text after the last thought, and in it the blocks
 * "<tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>", whose line breaks are part of the form.
 */
import { between } from '../../../../src/chat/formats/format.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { callsOf, type ModelCall } from './ast/calls.ts';
import { callText } from './multi-turn/index.ts';

/**
 * `v3`: one block that is no JSON object voids the whole reply, which then has no calls. `head`, BFCL's rule since version 4:
 * blocks that are no JSON are passed over, and JSON that is no object is an error.
 */
export type DecodeRule = 'v3' | 'head';

export type Decoded =
  | { readonly ok: true; readonly calls: readonly ModelCall[] }
  | {
      readonly ok: false;
      readonly error: 'ast_decoder:decoder_failed' | 'ast_decoder:decoder_wrong_output_format';
    };

const FAILED: Decoded = { ok: false, error: 'ast_decoder:decoder_failed' };

const THINK_CLOSE = '</think>';

export interface Reply {
  /** The response as it is stored, and decoded. */
  readonly text: string;
  /** The first thought, without its tags. */
  readonly reasoning: string;
}

/** Takes the thoughts off what a model wrote; what follows the last of them counts. */
export function splitThought(written: string): Reply {
  const parts = written.split(THINK_CLOSE);
  if (parts.length === 1) return { text: written, reasoning: '' };
  const thought = (parts[0] ?? '').replace(/\n+$/, '').split('<think>').at(-1) ?? '';
  return { text: (parts.at(-1) ?? '').replace(/^\n+/, ''), reasoning: thought.replace(/^\n+/, '') };
}

/** The blocks of `text` as JSON; a block that is none is undefined. */
export function callBlocks(text: string): readonly (PyValue | undefined)[] {
  return between(text, '<tool_call>\n', '\n</tool_call>').map(jsonOf);
}

/** The calls in a reply without its thoughts. A reply without calls has none, which is no error. */
export function decodeReply(text: string, rule: DecodeRule): Decoded {
  const blocks = callBlocks(text);
  if (rule === 'v3' && !blocks.every(isDict)) return { ok: true, calls: [] };
  const calls: ModelCall[] = [];
  for (const block of blocks) {
    if (block === undefined) continue;
    const name = isDict(block) ? block.get('name') : undefined;
    const written = isDict(block) ? block.get('arguments') : undefined;
    // A list or a dict is no key of a Python dict.
    if (name === undefined || isList(name) || isDict(name) || !isDict(written)) return FAILED;
    calls.push({ name, arguments: written });
  }
  return { ok: true, calls };
}

/**
 * A response in a file, as calls: text of a model, or what services with function calling of their own leave there, a list of
 * {name: arguments} with the arguments as JSON text. Of an item's names the first counts; null cannot be decoded.
 */
export function decodeResponse(response: string | readonly PyValue[] | null, rule: DecodeRule): Decoded {
  if (typeof response === 'string') return decodeReply(response, rule);
  if (response === null) return FAILED;
  const decoded: PyDict[] = [];
  for (const item of response) {
    const [name, written] = (isDict(item) ? [...item][0] : undefined) ?? [];
    const parsed = typeof written === 'string' ? tryParseJson(written) : undefined;
    if (name === undefined || parsed?.ok !== true) return FAILED;
    decoded.push(new Map([[name, parsed.value]]));
  }
  const calls = callsOf(decoded);
  return calls === undefined
    ? { ok: false, error: 'ast_decoder:decoder_wrong_output_format' }
    : { ok: true, calls };
}

/**
 * The calls of one step of several turns, in Python's syntax; none where there are no calls or where they cannot be decoded. A step is text
 * of a model, or the calls that services with function calling of their own leave: a list of objects, or one object.
 */
export function decodeStep(step: PyValue, rule: DecodeRule): readonly string[] {
  if (typeof step === 'string') return stepCalls(step, rule) ?? [];
  return (isDict(step) ? listedCalls([step]) : isList(step) ? listedCalls(step) : undefined) ?? [];
}

/** Undefined where a call cannot be decoded. */
function stepCalls(text: string, rule: DecodeRule): readonly string[] | undefined {
  const blocks = callBlocks(text);
  if (rule === 'v3' && !blocks.every(isDict)) return [];
  const calls: string[] = [];
  for (const block of blocks) {
    if (block === undefined) continue;
    const name = isDict(block) ? block.get('name') : undefined;
    const given = isDict(block) ? unpacked(block.get('arguments')) : undefined;
    if (name === undefined || isList(name) || isDict(name) || given === undefined) return undefined;
    calls.push(callText(pyStr(name), given));
  }
  return calls;
}

/** Undefined where a call cannot be decoded. */
function listedCalls(step: readonly PyValue[]): readonly string[] | undefined {
  const calls: string[] = [];
  for (const item of step) {
    if (!isDict(item)) return undefined;
    for (const [name, written] of item) {
      const given = unpacked(written);
      if (given === undefined) return undefined;
      calls.push(callText(name, given));
    }
  }
  return calls;
}

/** Arguments of a step, which other than in one turn may be JSON inside of a text; undefined where they are no object. */
function unpacked(written: PyValue | undefined): PyDict | undefined {
  const given = typeof written === 'string' ? jsonOf(written) : written;
  return isDict(given) ? given : undefined;
}

function jsonOf(text: string): PyValue | undefined {
  const parsed = tryParseJson(text);
  return parsed.ok ? parsed.value : undefined;
}
