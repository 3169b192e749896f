/**
 * Functions and examples of traces: chat messages with tool calls, as OpenAI's logs, fine-tuning files, Langfuse and others have
 * them. A request is the words with which a user begins, as no later turn can be understood by itself; its answer is the
 * assistant's first. Functions that no trace describes are put together from their calls.
 */
import { readText } from '../../../../src/base/files.ts';
import { tryParseJson } from '../../../../src/json/parse.ts';
import { UserError } from '../../../../src/base/errors.ts';
import type { ExactMessage, Tool } from '../../../../src/chat/messages.ts';
import { convertRow } from '../../../../src/data/convert.ts';
import { recordTools } from '../../../../src/data/record.ts';
import { callsOf } from '../../../../src/data/calls.ts';
import { fileRows } from '../../../../src/data/streams/rows.ts';
import { dumps } from '../../../../src/json/dumps.ts';
import { isDict, isList, toJsonObject, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { CallCheck } from '../calls.ts';
import type { Note } from '../types.ts';
import { cutText } from './descriptions.ts';
import { functionsOfJson } from './functions.ts';
import { counted } from './json.ts';
import { inferredTools } from './infer.ts';
import type { Answered, FromSource } from './source.ts';

/** Characters of a reply that are kept. */
const LONGEST_REPLY = 300;

const hasRoles = (value: PyValue | undefined): value is readonly PyValue[] =>
  isList(value) && value.some((item) => isDict(item) && (item.has('role') || item.has('from')));

/** The first value under one of the keys, in one of the objects. */
function valueAt(rows: readonly (PyValue | undefined)[], ...keys: readonly string[]): PyValue | undefined {
  const found = rows.filter(isDict).flatMap((row) => keys.map((key) => row.get(key)));
  return found.find((value) => value !== undefined && value !== null);
}

/** Messages that a server answered with: in OpenAI's responses of either kind, or by themselves. */
function answersOf(value: PyValue | undefined): readonly PyValue[] {
  if (isList(value)) return value;
  if (typeof value === 'string') return [messageOf(value)];
  if (!isDict(value)) return [];
  const output = value.get('output');
  if (isList(output)) return output;
  const choices = valueAt([value, value.get('body')], 'choices');
  const [first] = isList(choices) ? choices : [];
  const message = isDict(first) ? first.get('message') : undefined;
  if (message !== undefined) return [message];
  return value.has('role') || value.has('tool_calls') ? [new Map([['role', 'assistant'], ...value])] : [];
}

const messageOf = (content: string, calls: readonly PyValue[] = []): PyDict =>
  new Map<string, PyValue>([
    ['role', 'assistant'],
    ['content', content],
    ...(calls.length > 0 ? [['tool_calls', calls] as const] : []),
  ]);

/** Text of a message's blocks. */
const blocksText = (blocks: readonly PyValue[]): string =>
  blocks
    .filter(isDict)
    .map((block) => block.get('text'))
    .filter((text) => typeof text === 'string')
    .join('\n');

/** Messages as OpenAI's chat has them: items of its Responses and blocks of Anthropic's messages become calls and results. */
function chatMessages(items: readonly PyValue[]): PyValue[] {
  const messages: PyValue[] = [];
  for (const item of items) {
    const [content, type] = isDict(item) ? [item.get('content'), item.get('type')] : [];
    const blocks = isList(content) ? content.filter(isDict) : [];
    const uses = blocks.filter((block) => block.get('type') === 'tool_use');
    const isResult = blocks.some((block) => block.get('type') === 'tool_result');
    if (!isDict(item) || type === 'reasoning') continue;
    if (type === 'function_call') {
      const last = messages.at(-1);
      const before = isDict(last) && last.get('role') === 'assistant' ? last.get('tool_calls') : undefined;
      if (isList(before)) messages.pop();
      messages.push(messageOf('', [...(isList(before) ? before : []), item]));
    } else if (type === 'function_call_output' || isResult)
      messages.push(
        new Map<string, PyValue>([
          ['role', 'tool'],
          ['content', dumps(item.get('output') ?? content ?? '')],
        ]),
      );
    else if (uses.length > 0) messages.push(messageOf(blocksText(blocks), uses));
    else if (isList(content) && item.get('role') === 'assistant')
      messages.push(messageOf(blocksText(content)));
    else messages.push(item);
  }
  return messages;
}

/** A row as one with `messages` and `tools`: logs of requests have them inside, and the answer beside them. */
function traceOf(value: PyValue | undefined): PyDict | undefined {
  if (hasRoles(value)) return new Map([['messages', chatMessages(value)]]);
  if (!isDict(value)) return undefined;
  const inner = ['request', 'input', 'inputs', 'body', 'kwargs'].map((key) => value.get(key));
  const request = inner.map((one) => (isDict(one) && isDict(one.get('body')) ? one.get('body') : one));
  const inputs = request.filter(isDict).map((one) => one.get('input'));
  const messages = valueAt([value, ...request], 'messages') ?? [...request, ...inputs].find(hasRoles);
  // Other data sets are known by their looks.
  if (messages === undefined) return value.has('conversations') || value.has('query') ? value : undefined;
  if (!isList(messages)) return value;
  const answers = answersOf(valueAt([value], 'response', 'output', 'outputs', 'completion') ?? value);
  const tools = valueAt([value, ...request, value.get('metadata')], 'tools', 'functions');
  return rowWith(value, chatMessages([...messages, ...answers]), tools);
}

const rowWith = (row: PyDict, messages: PyValue, tools: PyValue | undefined): PyDict =>
  new Map([
    ...[...row].filter(([key]) => key === 'id'),
    ['messages', messages],
    ...(tools === undefined ? [] : [['tools', tools] as const]),
  ]);

/** Tells whether a document is traces and no list of tools. */
export function isTrace(value: PyValue): boolean {
  const [first] = rowsOf(value);
  return traceOf(first) !== undefined || (isDict(first) && typeof first.get('request') === 'string');
}

interface Found extends Answered {
  readonly where: string;
}

/** Traces as they are read, file by file. */
class Traces {
  readonly #tools = new Map<string, { readonly tool: PyDict; readonly texts: Set<string> }>();
  readonly #found: Found[] = [];
  readonly #unread: string[] = [];
  #later = 0;

  add(where: string, value: PyValue | undefined, problem: string | undefined): void {
    const request = isDict(value) ? value.get('request') : undefined;
    if (isDict(value) && typeof request === 'string') {
      const reply = value.get('reply');
      const calls = callsOf(value.get('calls')).map(({ name, arguments: given }) => ({
        name,
        arguments: toJsonObject(given),
      }));
      this.#found.push({
        where,
        request: request.trim(),
        calls,
        reply: typeof reply === 'string' ? reply : '',
      });
      return;
    }
    const row = traceOf(value);
    if (row === undefined) {
      this.#unread.push(`${where}: ${problem ?? 'it has no messages'}`);
      return;
    }
    for (const tool of toolsIn(row)) this.#addTool(tool);
    for (const read of convertRow({ where, value: row }, { checkGold: false, everyTurn: true })) {
      if ('rejected' in read) {
        this.#unread.push(`${where}: ${read.rejected.message}`);
        continue;
      }
      for (const tool of read.record.tools) this.#addTool(tool);
      this.#addTurn(where, read.record.messages);
    }
  }

  #addTool(tool: PyDict): void {
    const name = pyStr(tool.get('name') ?? '');
    const known = this.#tools.get(name);
    this.#tools.set(name, { tool, texts: (known?.texts ?? new Set()).add(dumps(tool)) });
  }

  #addTurn(where: string, messages: readonly ExactMessage[]): void {
    const spoken = messages.filter(({ role }) => role !== 'system');
    const answer = spoken.at(-1);
    const before = spoken.slice(0, -1);
    if (answer === undefined || before.some(({ role }) => role !== 'user')) {
      this.#later += 1;
      return;
    }
    const request = before.map(({ content }) => content.trim()).join('\n');
    const calls = (answer.toolCalls ?? []).map(({ name, arguments: given }) => ({
      name,
      arguments: toJsonObject(given),
    }));
    const reply = calls.length > 0 ? '' : cutText(answer.content.trim(), LONGEST_REPLY);
    if (request !== '') this.#found.push({ where, request, calls, reply });
  }

  /** The functions and examples of all that was added; `place` is the source. Throws a UserError with all faults. */
  result(place: string): FromSource {
    const inferred = inferredTools(
      this.#found.flatMap(({ calls }) => calls).filter(({ name }) => !this.#tools.has(name)),
    );
    const tools = [
      ...[...this.#tools.values()].map(({ tool }): PyValue => tool),
      ...inferred.map(({ tool }) => tool),
    ];
    const [unread] = this.#unread;
    if (tools.length === 0)
      throw new UserError(
        'TOOLS',
        `${place} has no trace with tools or calls${unread === undefined ? '' : ` (${unread.replace(/\.$/, '')})`}; give chat messages with "tools", or a file of functions.`,
      );
    const { functions, notes: onFunctions } = functionsOfJson(tools, place);
    const notes: Note[] = [
      ...onFunctions,
      ...inferred.map(({ name, text }) => ({ where: name, text })),
      ...[...this.#tools].flatMap(([name, { texts }]) =>
        texts.size === 1
          ? []
          : [{ where: name, text: `is described in ${texts.size} ways; the last one is taken` }],
      ),
    ];
    const note = (text: string): number => notes.push({ where: place, text });
    const examples = this.#examples(functions, note);
    if (unread !== undefined)
      note(`leaves out ${counted(this.#unread.length, 'row')} that cannot be read, such as ${unread}`);
    if (this.#later > 0)
      note(`leaves out ${counted(this.#later, 'later turn')}, not understood without what was said before`);
    return { functions, notes, examples };
  }

  /** Examples that fit the functions, each once; of several answers to one request the most frequent. */
  #examples(functions: readonly Tool[], note: (text: string) => void): Answered[] {
    const check = new CallCheck(functions);
    const byRequest = new Map<string, Map<string, { readonly example: Answered; count: number }>>();
    const bad: string[] = [];
    for (const { where, request, calls: given, reply } of this.#found) {
      const calls = given.map((call) => check.withoutNulls(call));
      const [fault] = calls.flatMap((call) => check.faults(call));
      if (fault !== undefined) {
        bad.push(`${where}: ${fault}`);
        continue;
      }
      const answers =
        byRequest.get(request.toLowerCase()) ?? new Map<string, { example: Answered; count: number }>();
      const key = JSON.stringify(calls);
      const known = answers.get(key) ?? { example: { request, calls, reply }, count: 0 };
      known.count += 1;
      byRequest.set(request.toLowerCase(), answers.set(key, known));
    }
    if (bad[0] !== undefined)
      note(`leaves out ${counted(bad.length, 'answer')} whose calls do not fit, such as ${bad[0]}`);
    const several = [...byRequest.values()].filter((answers) => answers.size > 1).length;
    if (several > 0)
      note(`answers ${counted(several, 'request')} in several ways; the most frequent one is taken`);
    return [...byRequest.values()].flatMap((answers) => {
      const [best] = [...answers.values()].toSorted((a, b) => b.count - a.count);
      return best === undefined ? [] : [best.example];
    });
  }
}

/** Tools of a row whose conversation may be broken. */
function toolsIn(row: PyDict): readonly PyDict[] {
  try {
    return recordTools(row.get('tools') ?? row.get('functions'));
  } catch {
    return [];
  }
}

/** Rows of a document: itself, those of its list, or those of a list that it holds. */
function rowsOf(value: PyValue): readonly PyValue[] {
  if (hasRoles(value) || (isDict(value) && traceOf(value) !== undefined)) return [value];
  if (isList(value)) return value;
  const lists = isDict(value) ? [...value.values()].filter(isList) : [];
  return lists.find((list) => list.some((row) => traceOf(row) !== undefined)) ?? [value];
}

/** Functions and examples of files of traces; throws a UserError with all faults. */
export async function functionsOfTraces(paths: readonly string[], place: string): Promise<FromSource> {
  const traces = new Traces();
  for (const path of paths) {
    const document = path.endsWith('.json') ? tryParseJson(readText(path)) : undefined;
    if (document?.ok === true)
      for (const [index, row] of rowsOf(document.value).entries())
        traces.add(`${path}[${index + 1}]`, row, undefined);
    else
      for await (const { where, value, problem } of fileRows(path))
        traces.add(where, value, problem?.message);
  }
  return traces.result(place);
}
