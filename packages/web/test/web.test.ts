/** A student's page: files that need nothing else, tokens that are the tokenizer's, and answers that are the engine's. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asTokenIds } from '../../../src/base/token-ids.ts';
import { ChatTemplate } from '../../../src/chat/template.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { LlamaModel } from '../../../src/ggml/llama.ts';
import { buildPageModules } from '../../../test/helpers/page-modules.ts';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';
import { ServedModel } from '../../serve/src/model.ts';
import type { StudentFacts } from '../src/page/facts.ts';
import { Student } from '../src/page/student.ts';
import { WebVocabulary } from '../src/page/vocabulary.ts';
import { studentFacts } from '../src/student-facts.ts';
import { writeWebPage } from '../src/write.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-web-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const { gguf } = makeTinyStudent(scratch);
const tokenizer = Tokenizer.load(gguf);
const tools = [
  {
    name: 'switch_lamp',
    description: 'Turn the lamp of a room on or off',
    parameters: {
      type: 'object',
      properties: { room: { type: 'string', enum: ['Küche', 'hall'] }, on: { type: 'boolean' } },
      required: ['room', 'on'],
    },
  },
];
const facts: StudentFacts = { ...studentFacts(gguf, 'tiny', tools), bytes: { weights: 0, engine: 0 } };
const REQUESTS = ['lights off in the hall', '\n  Küche: an!', '<think> "name": "x" <|im_end|>', ''];

describe('facts of a student', () => {
  test.each(REQUESTS)('make the prompt of the chat template, and its tokens, of %j', (request) => {
    const { before, after, head, start, end, tail } = facts.prompt;
    const template = ChatTemplate.of(tokenizer).fixed(undefined);
    const prompt = template.prompt({ messages: [{ role: 'user', content: request }], tools });
    expect(before + request + after).toBe(prompt);
    const ids = [...head, ...tokenizer.encode(start + request + end), ...tail];
    expect(ids).toEqual([...tokenizer.encode(prompt)]);
    expect(head.length).toBeGreaterThan(0);
  });

  test('refuse functions that leave no room for a request', () => {
    const long = { ...tools[0], name: 'x', description: 'very '.repeat(50_000), parameters: {} };
    expect(() => studentFacts(gguf, 'tiny', [long])).toThrow(/give fewer functions/);
  });
});

describe('the vocabulary of a page', () => {
  const vocabulary = new WebVocabulary(facts.vocabulary);

  test('has the tokens of the tokenizer', () => {
    expect(vocabulary.vocabSize).toBe(tokenizer.vocabSize);
    expect(vocabulary.stopIds).toEqual(tokenizer.stopIds);
    for (let id = -1; id <= tokenizer.vocabSize; id++) {
      expect([...vocabulary.tokenBytes(id)], `${id}`).toEqual([...tokenizer.tokenBytes(id)]);
      expect(vocabulary.isSpecial(id)).toBe(tokenizer.isSpecial(id));
      expect(vocabulary.addedText(id)).toBe(tokenizer.addedText(id));
    }
  });

  test('finds the added tokens of a text, and writes the rest in tokens of the same bytes', () => {
    const text = '<tool_call>\n{"name": "Küche 🎈"}\n</tool_call><|im_end|>';
    const ids = [...vocabulary.encode(text)];
    expect(vocabulary.decode(ids)).toBe(text);
    const added = (all: readonly number[]): number[] =>
      all.filter((id) => tokenizer.addedText(id) !== undefined);
    expect(added(ids)).toEqual(added([...tokenizer.encode(text)]));
    expect(added(ids).length).toBeGreaterThan(1);
  });
});

test('a student that llama.cpp computes answers as the engine of tinystar does, also where requests come at once', async () => {
  using llama = LlamaModel.load(gguf, { threads: 1 });
  let kept: number[] = [];
  const student = new Student(facts, {
    loadModel: () => Promise.resolve(),
    tokenize: (text) => Promise.resolve([...llama.tokenize(text)]),
    decode: (tokens) => Promise.resolve(kept.push(...tokens)),
    getLogits: async (most) => {
      const logits = Array.from(await llama.logitsAfter(asTokenIds(kept)), (value, token) => ({
        token,
        value,
      }));
      const sorted = logits.toSorted((a, b) => b.value - a.value);
      return most < 0 ? sorted : sorted.slice(0, most);
    },
    kvRemove: (keep) => {
      kept = kept.slice(0, keep);
      return Promise.resolve();
    },
    kvClear: () => Promise.reject(new Error('nothing is to be forgotten')),
    exit: () => Promise.resolve(),
  });
  const model = new ServedModel(gguf, { threads: 1 });
  try {
    const requests = REQUESTS.slice(0, 2);
    const answers = await Promise.all(requests.map((one) => student.call(one, { maxTokens: 12 })));
    for (const [i, content] of requests.entries()) {
      const own = await model.ask({ messages: [{ role: 'user', content }], tools }, { max_tokens: 12 });
      expect(answers[i]).toMatchObject({ text: own.text, calls: own.calls, promptTokens: own.promptTokens });
    }
    expect(answers[1]?.keptTokens).toBeGreaterThanOrEqual(facts.prompt.head.length);
    await expect(student.call('x '.repeat(facts.context))).rejects.toThrow(/ask in fewer words/);
  } finally {
    await model.close();
  }
});

describe('a page', () => {
  const folder = join(scratch, 'page');
  // Stands for the package's files, which are copied as they are.
  const wllama = join(scratch, 'wllama', 'esm');
  const NAMES = ['index.min.js', 'single-thread/wllama.wasm', 'multi-thread/wllama.wasm', '../LICENCE'];
  let written: ReturnType<typeof writeWebPage> | undefined;

  beforeAll(() => {
    for (const name of NAMES) {
      mkdirSync(dirname(join(wllama, name)), { recursive: true });
      writeFileSync(join(wllama, name), name);
    }
    written = writeWebPage(folder, { gguf, name: 'tiny', tools, wllama, built: buildPageModules(scratch) });
  });

  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

  test('has its modules and whatever they import, and nothing of Node', () => {
    const seen = new Set<string>();
    const open = ['student.js'];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const text = read(name);
      expect(text, name).not.toMatch(/\b(?:Buffer|process|require)\b[.(]/);
      for (const [, other = ''] of text.matchAll(/^(?:import|export)[^'"]*?\sfrom '([^']+)'/gm)) {
        expect(other, name).toMatch(/^\.\.?\//);
        open.push(resolve('/', dirname(name), other).slice(1));
      }
    }
    expect(seen.size).toBeGreaterThan(10);
    const preloads = [...read('index.html').matchAll(/modulepreload" href="\.\/([^"]+)"/g)];
    expect(preloads.map(([, name = '']) => name).toSorted()).toEqual(
      [...seen].filter((name) => name !== 'student.js').toSorted(),
    );
  });

  test('has the weights as they are, the engine with its licence, and how to serve it', () => {
    expect(readFileSync(join(folder, 'student.gguf')).equals(readFileSync(gguf))).toBe(true);
    expect(read('wllama/index.js')).toBe('index.min.js');
    expect(read('wllama/LICENCE')).toBe('../LICENCE');
    expect(read('README.txt')).toContain("import { load } from './student.js'");
    const { bytes, ...rest } = JSON.parse(read('student.json')) as StudentFacts;
    expect(rest).toEqual(studentFacts(gguf, 'tiny', tools));
    expect(bytes).toEqual({ weights: written?.weights, engine: written?.engine });
    expect(bytes).toEqual({ weights: readFileSync(gguf).length, engine: 'single-thread/wllama.wasm'.length });
  });

  test('is not written where nothing is compiled', () => {
    const none = join(scratch, 'none');
    expect(() => writeWebPage(none, { gguf, name: 'tiny', tools, wllama, built: scratch })).toThrow(
      /npm run build/,
    );
    expect(existsSync(none)).toBe(false);
  });
});
