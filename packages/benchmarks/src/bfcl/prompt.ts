/**
 * The prompts that BFCL gives to Qwen3, to the letter. They are Qwen3's chat template with three differences: tools are the raw documents
 * of the functions as Python's json.dumps writes them, with a hint at their language; there is no switch for thinking; and
 * earlier calls are written anew from what was decoded.
 */
import { dumps } from '../../../../src/json/dumps.ts';
import { isDict, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyRepr, pyStr } from '../../../../src/json/repr.ts';
import type { Category } from './categories.ts';

/** A message of a conversation under way. */
export type PromptMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly reasoning?: string;
      /** {name, arguments} each. */
      readonly calls?: readonly PyDict[];
    }
  /** The result of a call. */
  | { readonly role: 'tool'; readonly content: string };

const TURN_END = '<|im_end|>\n';

const TOOLS_BEFORE = `# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>`;
const TOOLS_AFTER = `
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>`;

/** The whole prompt, which ends where the model begins to write; `tools` are documents from `promptFunctions`. */
export function renderPrompt(messages: readonly PromptMessage[], tools: readonly PyDict[]): string {
  const [first] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const toolLines = tools.map((tool) => `\n${pythonJson(tool)}`).join('');
  const parts = [
    ...(system === undefined ? [] : [system]),
    ...(tools.length === 0 ? [] : [TOOLS_BEFORE + toolLines + TOOLS_AFTER]),
  ];
  const head = parts.length === 0 ? '' : `<|im_start|>system\n${parts.join('\n\n')}${TURN_END}`;
  const lastRequest = messages.findLastIndex(
    ({ role, content }) => role === 'user' && !isToolResponse(content),
  );
  const body = messages.map((message, i) => {
    switch (message.role) {
      case 'system':
        return i === 0 ? '' : `<|im_start|>system\n${message.content}${TURN_END}`;
      case 'user':
        return `<|im_start|>user\n${message.content}${TURN_END}`;
      case 'tool':
        return renderResult(
          message.content,
          messages[i - 1]?.role === 'tool',
          messages[i + 1]?.role === 'tool',
        );
      case 'assistant':
        return renderAssistant(message, i > lastRequest, i === messages.length - 1);
      default:
        return message satisfies never;
    }
  });
  return `${head}${body.join('')}<|im_start|>assistant\n`;
}

/** Python's json.dumps with its defaults, which escape everything beyond ASCII. */
function pythonJson(value: PyValue): string {
  return dumps(value, { ensureAscii: true });
}

function isToolResponse(content: string): boolean {
  return content.startsWith('<tool_response>') && content.endsWith('</tool_response>');
}

/** Results of one step's calls share a turn of the user. */
function renderResult(content: string, continues: boolean, goesOn: boolean): string {
  const start = continues ? '' : '<|im_start|>user';
  return `${start}\n<tool_response>\n${content}\n</tool_response>${goesOn ? '' : TURN_END}`;
}

/** A thought is shown only after the last request. */
function renderAssistant(
  { content, reasoning = '', calls = [] }: Extract<PromptMessage, { role: 'assistant' }>,
  sinceLastRequest: boolean,
  isLast: boolean,
): string {
  const thinks = sinceLastRequest && (isLast || reasoning !== '');
  const thought = thinks ? `<think>\n${reasoning.replace(/^\n+|\n+$/g, '')}\n</think>\n\n` : '';
  const text = thinks ? content.replace(/^\n+/, '') : content;
  const blocks = calls.map(renderCall).join('\n');
  const gap = content !== '' && blocks !== '' ? '\n' : '';
  return `<|im_start|>assistant\n${thought}${text}${gap}${blocks}${TURN_END}`;
}

function renderCall(call: PyDict): string {
  const written = call.get('arguments') ?? null;
  const json = typeof written === 'string' ? written : pythonJson(written);
  return `<tool_call>\n{"name": "${pyStr(call.get('name') ?? null)}", "arguments": ${json}}\n</tool_call>`;
}

/** Words of the user when functions are put on offer that were held back. */
export function heldBackMessage(documents: readonly PyDict[]): string {
  return `${pyRepr(documents)}\nI have updated some more functions you can choose from. What about now?`;
}

interface PromptLanguage {
  readonly hint: string;
  /** Set where every argument is asked for as text. */
  readonly asText?: string;
}

const PYTHON: PromptLanguage = { hint: 'Python 3 syntax' };
const LANGUAGES: Readonly<Partial<Record<Category, PromptLanguage>>> = {
  java: { hint: 'Java 8 SDK syntax', asText: 'Java' },
  javascript: { hint: 'JavaScript syntax', asText: 'JavaScript' },
};

/** Documents as a prompt shows them: with a hint at the language, and for Java and JavaScript with every parameter as a string. */
export function promptFunctions(documents: readonly PyDict[], category: Category): readonly PyDict[] {
  const { hint, asText } = LANGUAGES[category] ?? PYTHON;
  return documents.map((document) => {
    const described = changed(document, {
      description: `${textOf(document, 'description')} Note that the provided function is in ${hint}.`,
    });
    const parameters = described.get('parameters');
    if (asText === undefined || !isDict(parameters)) return described;
    const properties = parameters.get('properties');
    if (!isDict(properties)) return described;
    const asked = new Map(
      [...properties].map(([name, property]): [string, PyValue] => [
        name,
        isDict(property) ? askedAsText(property, asText) : property,
      ]),
    );
    return changed(described, { parameters: changed(parameters, { properties: asked }) });
  });
}

/** A parameter whose literal is asked for as text; what its type was goes into the description. */
function askedAsText(property: PyDict, language: string): PyDict {
  const type = textOf(property, 'type');
  const remarks = [
    type === 'any'
      ? ` This parameter can be of any type of ${language} object in string representation.`
      : ` This is ${language} ${type} type parameter in string representation.`,
  ];
  const left = new Map(property);
  const items = property.get('items');
  if (/^array(?:list)?$/i.test(type) && isDict(items)) {
    remarks.push(
      ` The list elements are of type ${textOf(items, 'type')}; they are not in string representation.`,
    );
    left.delete('items');
  }
  const properties = property.get('properties');
  if (type === 'dict' && properties !== undefined) {
    remarks.push(
      ` The dictionary entries have the following schema; they are not in string representation. ${pythonJson(properties)}`,
    );
    left.delete('properties');
  }
  return changed(left, { description: textOf(property, 'description') + remarks.join(''), type: 'string' });
}

function textOf(of: PyDict, key: string): string {
  const value = of.get(key);
  return typeof value === 'string' ? value : '';
}

/** A copy with other values, in the same places. */
function changed(of: PyDict, values: Readonly<Record<string, PyValue>>): PyDict {
  return new Map([...of, ...Object.entries(values)]);
}
