/**
 * Compares a student outside of tinystar with itself: held-out requests through other runtimes' own chat templates and
 * parsers. Counts prompts that are equal byte by byte, and answers with the same calls.
 *
 *     npx tsx bench/runtimes.ts CHECKPOINT GGUF [--count 50] [--server URL] [--python PYTHON] [--wllama FOLDER]
 *
 * --server: the address of llama.cpp's server with the GGUF file loaded. --python: a Python with torch, transformers and TRL.
 * --wllama: a folder whose node_modules has @wllama/wllama and playwright-core.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hermes } from '../src/chat/formats/hermes.ts';
import { assistantTurn, parseGeneration } from '../src/chat/generation.ts';
import type { Tool } from '../src/chat/messages.ts';
import { toolTable } from '../src/chat/tools.ts';
import { ChatTemplate } from '../src/chat/template.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import { generateAssistant } from '../packages/assistant/src/index.ts';
import { Device } from '../src/ggml/device.ts';
import { dumps } from '../src/json/dumps.ts';
import { tryParseJson } from '../src/json/parse.ts';
import { isDict, isList } from '../src/json/python.ts';
import { loadModel } from '../src/model/checkpoint/checkpoint.ts';
import { Generator } from '../src/model/generate/generation.ts';
import { JsonSchema } from '../src/json/schema.ts';
import { exactMatch, goldOfMessage, withoutEndTokens } from '../src/rewards/exact.ts';

const MAX_TOKENS = 256;

interface Request {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tools: readonly { readonly type: 'function'; readonly function: Tool }[];
}

/** Outcome of a request in a runtime: an answer in a form in which equal answers are equal texts. */
interface Outcome {
  readonly prompt: string | number;
  readonly answer: string;
}

interface Completion {
  readonly choices: readonly {
    readonly message: {
      readonly content?: string | null;
      readonly tool_calls?: readonly { function: { name: string; arguments: string } }[];
    };
  }[];
  readonly usage: { readonly prompt_tokens: number };
}

/** An answer that holds a call which is no JSON, or is cut short; parsers differ in what they leave of it. */
const MALFORMED = 'malformed';

/** Calls, or without them the reply. */
function answerOf(turn: string): string {
  const parsed = parseGeneration(turn, hermes);
  if (parsed.kind === 'reply') return withoutEndTokens(parsed.reply);
  if (parsed.kind === 'malformed' || parsed.calls.length === 0) return MALFORMED;
  return dumps(parsed.calls.map((call) => [call.name, call.arguments]));
}

function completed({ choices, usage }: Completion): Outcome {
  const { content, tool_calls: calls = [] } = choices[0]?.message ?? {};
  if (calls.length === 0) {
    const said = (content ?? '').trim();
    return { prompt: usage.prompt_tokens, answer: said.includes('<tool_call>') ? MALFORMED : said };
  }
  const read = calls.map(({ function: { name, arguments: given } }) => {
    const parsed = tryParseJson(given);
    return parsed.ok ? [name, parsed.value] : undefined;
  });
  const whole = read.filter((call) => call !== undefined);
  return {
    prompt: usage.prompt_tokens,
    answer: whole.length === read.length ? dumps(whole) : MALFORMED,
  };
}

async function post<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function fromServer(url: string, request: Request): Promise<Outcome> {
  const { prompt } = await post<{ prompt: string }>(`${url}/apply-template`, request);
  const body = { ...request, temperature: 0, max_tokens: MAX_TOKENS };
  return { ...completed(await post<Completion>(`${url}/v1/chat/completions`, body)), prompt };
}

function linesFrom(command: string, args: readonly string[]): string[] {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr}`);
  return run.stdout.trim().split('\n');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '50' },
    server: { type: 'string' },
    python: { type: 'string' },
    wllama: { type: 'string' },
  },
});
const [checkpoint, gguf] = positionals;
if (checkpoint === undefined || gguf === undefined) throw new Error('give a checkpoint and its GGUF file');
const count = Number(values.count);
const dialogues = generateAssistant({ seed: 7, split: 'test', groups: Math.ceil(count / 4) }).slice(0, count);
const requests = dialogues.map(({ messages, tools }): Request => ({
  messages: messages.slice(0, -1).map(({ role, content }) => ({ role, content })),
  tools: tools.map((tool) => ({ type: 'function', function: tool })),
}));

const tokenizer = Tokenizer.load(checkpoint);
const template = ChatTemplate.of(tokenizer);
const prompts = dialogues.map(({ messages, tools }) =>
  template.prompt({ messages: messages.slice(0, -1), tools }),
);
using device = Device.open('cpu', 1);
const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
using _parameters = parameters;
using generator = new Generator(device, config, parameters);
const ids = prompts.map((prompt) => tokenizer.encode(prompt));
const options = { temperature: 0, generate_max_len: MAX_TOKENS, stopIds: tokenizer.stopIds };
const drawn = await generator.generate(ids, options);
const turns = drawn.map(([sample], i) =>
  assistantTurn(prompts[i] ?? '', tokenizer.decode(sample?.tokens ?? []), hermes),
);
const ours = turns.map(answerOf);
const right = turns.filter((turn, i) => {
  const dialogue = dialogues[i];
  const gold = dialogue?.messages.at(-1);
  return gold !== undefined && exactMatch(goldOfMessage(gold, dialogue?.mustMention), turn, hermes).correct;
});
console.log(`tinystar: ${count} requests, ${right.length} answered right`);

/** Tells whether an answer's calls are of the tools and keep to their schemas: llama.cpp's grammar lets no others through. */
function obeys(answer: string, tools: readonly Tool[]): boolean {
  if (answer === MALFORMED) return false;
  const calls = tryParseJson(answer);
  if (!calls.ok || !isList(calls.value)) return true;
  const table = toolTable(tools);
  return calls.value.every((call) => {
    const [name, given] = isList(call) ? call : [];
    const tool = typeof name === 'string' ? table.find(name) : undefined;
    if (tool === undefined || !isDict(given)) return false;
    const known = [...given.keys()].every((key) => tool.arguments.has(key));
    return known && JsonSchema.ofParameters(tool.parameters).fault(given) === undefined;
  });
}

function tell(name: string, outcomes: readonly Outcome[]): void {
  const samePrompts = outcomes.filter(
    ({ prompt }, i) => prompt === (typeof prompt === 'number' ? ids[i]?.length : prompts[i]),
  ).length;
  const what = outcomes.every(({ prompt }) => typeof prompt === 'number')
    ? 'prompts of as many tokens'
    : 'equal prompts';
  const others = [...outcomes.keys()].filter((i) => outcomes[i]?.answer !== ours[i]);
  const broken = others.filter((i) => !obeys(ours[i] ?? '', dialogues[i]?.tools ?? []));
  console.log(
    `${name}: ${samePrompts} of ${outcomes.length} ${what}, ${outcomes.length - others.length} equal answers; ` +
      `of ${others.length} others, ${broken.length} where the free answer is no whole call of the tools' schemas`,
  );
  const other = others.find((i) => !broken.includes(i));
  if (other !== undefined)
    console.log(`  request ${other + 1}: ${outcomes[other]?.answer}\n  tinystar:  ${ours[other]}`);
}

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-runtimes-'));
try {
  const file = join(scratch, 'requests.jsonl');
  writeFileSync(file, requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
  const peer = (name: string): string => join(import.meta.dirname, 'peers', name);
  if (values.server !== undefined) {
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(await fromServer(values.server, request));
    tell("llama.cpp's server", outcomes);
  }
  if (values.python !== undefined) {
    const args = [peer('chat_template.py'), checkpoint, file, String(MAX_TOKENS)];
    const outcomes = linesFrom(values.python, args).map((line, i): Outcome => {
      const { prompt, text } = JSON.parse(line) as { prompt: string; text: string };
      return { prompt, answer: answerOf(assistantTurn(prompts[i] ?? '', text, hermes)) };
    });
    tell('transformers', outcomes);
    const trained = linesFrom(values.python, [peer('trl_prompts.py'), checkpoint, file]);
    const equal = trained.filter((line, i) => (JSON.parse(line) as Outcome).prompt === prompts[i]);
    console.log(`TRL's SFTTrainer: ${equal.length} of ${trained.length} equal prompts`);
  }
  if (values.wllama !== undefined) {
    const args = [peer('wllama.mjs'), values.wllama, gguf, file, String(MAX_TOKENS)];
    tell(
      'wllama',
      linesFrom(process.execPath, args).map((line) => completed(JSON.parse(line) as Completion)),
    );
  }
} finally {
  rmSync(scratch, { recursive: true });
}
