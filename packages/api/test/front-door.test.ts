/** The names that `import { … } from 'tinystar'` gives, as a program uses it. The packed package is tried in package.e2e.test.ts. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import * as tinystar from '../../../src/index.ts';
import {
  bases,
  type Dialogue,
  loadModel,
  loadRecipe,
  openTrainer,
  readTurn,
  runRecipe,
} from '../../../src/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'front-door-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const tools = [
  {
    name: 'set_timer',
    description: 'Starts a countdown timer.',
    parameters: { type: 'object', properties: { minutes: { type: 'number' } }, required: ['minutes'] },
  },
];
const dialogues = [3, 5, 8].map((minutes): Dialogue => ({
  id: `timer-${minutes}`,
  category: 'single',
  tools,
  messages: [
    { role: 'user', content: `Set a timer for ${minutes} minutes` },
    { role: 'assistant', content: '', toolCalls: [{ name: 'set_timer', arguments: { minutes } }] },
  ],
}));
const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }], tools });

test('the names of the front door are those that are meant to be there, each exported by itself', () => {
  expect(Object.keys(tinystar).toSorted()).toMatchInlineSnapshot(`
    [
      "Model",
      "Trainer",
      "UserError",
      "bases",
      "convertFile",
      "crossEntropy",
      "defineEnvironment",
      "defineLoss",
      "defineReward",
      "dialogueRenderer",
      "distillation",
      "entropyRows",
      "joint",
      "loadConversationReward",
      "loadModel",
      "loadRecipe",
      "loadReward",
      "losses",
      "luffy",
      "negativeLogLikelihood",
      "openEnvironment",
      "openProject",
      "openSampler",
      "openTrainer",
      "ops",
      "parseRecord",
      "policyGradient",
      "preference",
      "readDialogues",
      "readExamples",
      "readFunctions",
      "readTurn",
      "reportOf",
      "rewards",
      "rowInput",
      "runRecipe",
      "weighted",
    ]
  `);
  expect(readFileSync(new URL('../../../src/index.ts', import.meta.url), 'utf8')).not.toMatch(/export \*/);
});

describe('loadModel', () => {
  test('answers many conversations, each with its calls, and one by one with the same texts', async () => {
    using model = loadModel(bases.teacher, { threads: 1 });
    const texts: string[] = [];
    for await (const { prompt, text, message } of model.generate(
      dialogues.map(({ messages }) => ask(messages[0]?.content ?? '')),
    )) {
      expect(message.toolCalls).toEqual(dialogues[prompt]?.messages[1]?.toolCalls);
      texts[prompt] = text;
    }
    const { text } = await model.answer(ask('Set a timer for 3 minutes'));
    expect(text).toBe(texts[0]);
  });

  test('draws the same samples from the same seed, and cuts them where it is told to', async () => {
    using model = loadModel(bases.student, { threads: 1 });
    const draw = async (seed: number): Promise<string[]> => {
      const options = { n_samples_per_prompt: 4, temperature: 50, generate_max_len: 3, seed };
      const drawn: string[] = [];
      for await (const { text, finish } of model.generate([ask('Hello')], options)) {
        expect(finish).toBe('length');
        drawn.push(text);
      }
      return drawn;
    };
    const first = await draw(1);
    expect(first).toHaveLength(4);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });

  test('says what is wrong with a path, with options and with a prompt that is too long', async () => {
    expect(() => loadModel(scratch)).toThrow('is no checkpoint: it has no config.json');
    using model = loadModel(bases.student, { threads: 1 });
    await expect(model.answer('word '.repeat(50_000))).rejects.toThrow(
      /Prompt 0 is not answered: it has \d+ tokens/,
    );
    await expect(model.answer('Hi', { temperature: -1 })).rejects.toThrow('temperature');
  });

  test('exports a GGUF file that loads as the same model', async () => {
    const file = join(scratch, 'student.gguf');
    using model = loadModel(bases.student, { threads: 1 });
    model.exportGguf(file);
    using again = loadModel(file, { threads: 1 });
    const request = ask('Set a timer for 20 minutes');
    expect(again.prompt(request)).toBe(model.prompt(request));
    expect(await again.answer(request)).toEqual(await model.answer(request));
  });
});

describe('openTrainer', () => {
  test('learns, saves what it learned, and is the same on the same steps', async () => {
    const losses = async (folder: string): Promise<number[]> => {
      using trainer = openTrainer(bases.student, { lr: 1e-3, threads: 1 });
      const seen: number[] = [];
      for (let i = 0; i < 3; i++) seen.push((await trainer.step(dialogues)).loss);
      expect(trainer.steps).toBe(3);
      trainer.save(folder);
      return seen;
    };
    const [first = 0, , last = 0] = await losses(join(scratch, 'a'));
    expect(last).toBeLessThan(first / 2);
    expect(await losses(join(scratch, 'b'))).toEqual(await losses(join(scratch, 'a')));
    const weights = (folder: string) => readFileSync(join(scratch, folder, 'model.safetensors'));
    expect(weights('b').equals(weights('a'))).toBe(true);
    using model = loadModel(join(scratch, 'a'), { threads: 1 });
    const { message } = await model.answer(ask('Set a timer for 8 minutes'));
    expect(message.toolCalls).toEqual([{ name: 'set_timer', arguments: { minutes: 8 } }]);
  });

  test('trains low-rank matrices where it is told to, and merges them when it saves', async () => {
    using trainer = openTrainer(bases.student, { lora: { rank: 4 }, lr: 1e-3, threads: 1 });
    const { loss } = await trainer.step(dialogues);
    for (let i = 0; i < 6; i++) await trainer.step(dialogues);
    expect((await trainer.step(dialogues)).loss).toBeLessThan(loss);
    trainer.save(join(scratch, 'lora'));
    expect(existsSync(join(scratch, 'lora', 'model.safetensors'))).toBe(true);
  });

  test('lists options that it does not have, or that are out of range', () => {
    const options = { learning_rate: 1, max_norm: -1 };
    expect(() => openTrainer(bases.student, options)).toThrow(
      /openTrainer was given wrong options: .*max_norm.*learning_rate/s,
    );
  });
});

describe('recipes', () => {
  test('an object is a recipe, and its faults are told as those of a file', () => {
    const stages = [{ name: 'learn', kind: 'sft' as const, model: 'pupil', lr: 1e-3 }];
    const recipe = { name: 'mine', models: { student: bases.student }, stages };
    expect(() => loadRecipe(recipe)).toThrow(/pupil/);
    const right = loadRecipe({ ...recipe, stages: [{ ...stages[0]!, model: 'student' }] });
    expect(right.stages[0]).toMatchObject({ name: 'learn', lr: 1e-3, train_batch_size: 128 });
  });

  test('a recipe that is stopped resumes when it is run again', async () => {
    const recipe = {
      name: 'stopped',
      data: { source: 'assistant' as const, train: 32, test: 4 },
      models: { student: bases.student },
      stages: [
        {
          name: 'learn',
          kind: 'sft' as const,
          model: 'student',
          lr: 1e-3,
          train_batch_size: 4,
          save_steps: 1,
        },
      ],
    };
    const stop = new AbortController();
    const steps: number[] = [];
    for await (const event of runRecipe(recipe, { runs: scratch, signal: stop.signal, set: ['threads=1'] })) {
      if (event.type === 'step') {
        steps.push(event.step);
        stop.abort();
      }
    }
    for await (const event of runRecipe(recipe, { runs: scratch, set: ['threads=1'] })) {
      if (event.type === 'step') steps.push(event.step);
    }
    expect(steps).toEqual([1, 2, 3, 4]);
  });
});

describe('data', () => {
  test('rows become records that are read and rendered, or are told with their place', async () => {
    const file = join(scratch, 'rows.jsonl');
    const row = {
      tools,
      messages: dialogues[0]?.messages.map(({ role, content }) => ({ role, content: content || 'Fine.' })),
    };
    writeFileSync(file, `${JSON.stringify(row)}\n{"neither": 1}\n`);
    const lines: string[] = [];
    const places: string[] = [];
    for await (const one of tinystar.convertFile(file)) {
      if (one.kind === 'record') lines.push(one.line);
      else places.push(one.where);
    }
    expect(places).toEqual([expect.stringContaining('rows.jsonl:2')]);
    const records = join(scratch, 'records.jsonl');
    writeFileSync(records, lines.join('\n'));
    const [dialogue] = tinystar.readDialogues(records);
    expect(tinystar.parseRecord(lines[0] ?? '')).toEqual(dialogue);
    const { prompt, target, targetIds } = tinystar.dialogueRenderer(bases.student)(dialogue!);
    expect(prompt).toContain('Set a timer for 3 minutes');
    expect(target).toMatch(/Fine\.<\|im_end\|>$/);
    expect(targetIds.length).toBeGreaterThan(3);
  });
});

describe('readTurn', () => {
  test('takes thought, words and calls apart', () => {
    const call = '<tool_call>\n{"name": "f", "arguments": {"a": 1.5}}\n</tool_call>';
    expect(readTurn(`<think>\nHm.\n</think>\n\nHere: ${call}`)).toEqual({
      message: {
        role: 'assistant',
        content: 'Here:',
        reasoning: 'Hm.',
        toolCalls: [{ name: 'f', arguments: { a: 1.5 } }],
      },
      faults: [],
    });
    expect(readTurn(call).message.toolCalls).toHaveLength(1);
    expect(readTurn('Hello').message).toEqual({ role: 'assistant', content: 'Hello' });
  });

  test('says what is wrong with calls that cannot be made', () => {
    expect(readTurn('<tool_call>\n{"name": 3, "arguments": {}}\n</tool_call>').faults).toEqual([
      'The name of a call is a number, not a string.',
    ]);
    expect(readTurn('<tool_call>\n{"name"').faults).toEqual(['A <tool_call> is never closed.']);
  });
});
