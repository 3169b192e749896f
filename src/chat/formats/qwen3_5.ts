/**
 * Qwen3.5's format, which Qwen3-Coder and Nemotron write too: `<tool_call>` around `<function=f>` around one
 * `<parameter=name>` for each argument, on lines of their own. Values are written without their types, which the tool's schema
 * tells: what is to be no text and is not JSON stays the text that it is. Of an argument that no schema speaks of, JSON is
 * read as JSON, and anything else is text.
 */
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { fromJson, isDict, isList, type PyDict, type PyValue } from '../../json/python.ts';
import type { JsonObject, JsonValue } from '../../json/value.ts';
import { pyStr } from '../../json/repr.ts';
import {
  type ArgumentsOf,
  type CallGrammar,
  type CallToWrite,
  JSON_NOTATION,
  type Malformed,
  malformed,
  type Notation,
  type ToolFormat,
  type WrittenCall,
} from './format.ts';
import { hermes } from './hermes.ts';
import { WORDS } from './python-calls.ts';

const FUNCTION = /^\s*<function=([^>\n]*)>([\s\S]*?)(?:<\/function>\s*)?$/;
const PARAMETER = /<parameter=([^>\n]*)>([\s\S]*?)(?:<\/parameter>|(?=<parameter=)|$)/g;

/** The types that a schema allows; none where it does not say. */
function typesOf(schema: PyValue | undefined): readonly PyValue[] {
  if (!isDict(schema)) return [];
  const type = schema.get('type');
  const branches = ['anyOf', 'oneOf'].flatMap((key) => {
    const all = schema.get(key);
    return isList(all) ? all.flatMap(typesOf) : [];
  });
  return [...branches, ...(isList(type) ? type : type === undefined ? [] : [type])];
}

function typed(text: string, schema: PyValue | undefined): PyValue {
  const types = typesOf(schema);
  const parsed = tryParseJson(text);
  const value = parsed.ok ? parsed.value : WORDS.get(text.trim());
  if (value === undefined) return text;
  if (!types.some((type) => type === 'string')) return value;
  // A text that may be something else, too, is so only where it is nothing.
  return types.includes('null') && value === null ? null : text;
}

/** A value without the line breaks that the format puts around it. */
const trimmed = (text: string): string => text.replace(/^\n/, '').replace(/\n$/, '');

function readCall(block: string, argumentsOf: ArgumentsOf = () => undefined): WrittenCall | Malformed {
  const [, name, inner] = FUNCTION.exec(block) ?? [];
  if (name === undefined || inner === undefined)
    return malformed('call_not_xml', 'A tool call does not begin with <function=...>.');
  if (name.trim() === '') return malformed('call_without_name', 'A <function=...> has no name.');
  const known = argumentsOf(name.trim());
  const given = new Map<string, PyValue>();
  const rest = inner.replace(PARAMETER, (_, key: string, text: string) => {
    given.set(key.trim(), typed(trimmed(text), known?.get(key.trim())));
    return '';
  });
  return rest.trim() === ''
    ? { name: name.trim(), arguments: given }
    : malformed('call_not_xml', `The call of ${name.trim()} has text outside of its parameters.`);
}

/** A value as the chat template writes it: lists and objects as JSON, anything else as Python prints it. */
const valueText = (value: PyValue): string => (isDict(value) || isList(value) ? dumps(value) : pyStr(value));

const parameters = (given: PyDict): string =>
  Array.from(given, ([key, value]) => `<parameter=${key}>\n${valueText(value)}\n</parameter>\n`).join('');

function callText({ name, arguments: given }: CallToWrite): string {
  const inner = typeof given === 'string' ? given : parameters(given);
  return `${hermes.call.open}\n<function=${name}>\n${inner}</function>\n${hermes.call.close}`;
}

/** Texts that are read as null where null is allowed, and as something else where no text is spoken of. */
const NULLS = '^\\s*(?:null|None)\\s*$';
const VALUES = '^\\s*(?:["{\\[\\d-]|(?:true|false|null|True|False|None|NaN|Infinity)\\s*$)';
/** Arguments as `typed` reads them: where a schema speaks of a text, all is one. */
function narrowed(schema: JsonValue): JsonObject {
  const types = typesOf(fromJson(schema));
  const not = (pattern: string): JsonObject => ({ not: { type: 'string', pattern } });
  if (!types.includes('string')) return not(VALUES);
  return types.includes('null') ? { type: ['string', 'null'], ...not(NULLS) } : { type: 'string' };
}

const PARAMETER_END = '</parameter>';
const { list, object, comma, key } = JSON_NOTATION;
const BARE: Notation = {
  list,
  object,
  comma,
  key,
  quotes: [{ open: '', close: '' }],
  words: ['True', 'False', 'None'],
  lists: JSON_NOTATION,
  objects: JSON_NOTATION,
};
const isName = (name: string): boolean => /^[^>\n\s](?:[^>\n]*[^>\n\s])?$/.test(name);
const GRAMMAR: CallGrammar = {
  open: '',
  between: '\n',
  close: '',
  begins: hermes.call.open,
  call: (name) =>
    isName(name)
      ? { open: `${hermes.call.open}\n<function=${name}>\n`, close: `</function>\n${hermes.call.close}` }
      : undefined,
  arguments: {
    ...BARE,
    object: { open: '', close: '' },
    comma: '',
    key: { open: '<parameter=', close: '>\n' },
    valueEnd: `\n${PARAMETER_END}\n`,
    bareKeys: /^[^>\n\s](?:[^>\n]*[^>\n\s])?$/,
    quotesKeys: false,
    inside: BARE,
  },
  never: [PARAMETER_END, '<parameter=', hermes.call.close],
  narrowed,
};

export const qwen3_5: ToolFormat = {
  ...hermes,
  name: 'qwen3_5',
  grammar: GRAMMAR,
  render: (content, calls) => {
    const written = calls.map(callText).join('\n');
    return content.trim() === '' || written === '' ? content + written : `${content}\n\n${written}`;
  },
  readCall,
};
