/** Runs whose inputs change between stop and resume: old and new are never mixed, and what is the same goes on. */
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/recipe/load.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { readLines, runAll, scratchFolder, traceOf } from '../helpers/runs.ts';
import { makeTinyStudent } from '../helpers/tiny-student.ts';

const { folder: scratch, remove } = scratchFolder();
afterAll(remove);

const dialogue = (word: string) => (level: number) =>
  `${JSON.stringify({
    id: `d${level}`,
    tools: [{ name: 'dim', description: '', parameters: { type: 'object', properties: { level: {} } } }],
    messages: [
      { role: 'user', content: `${word} to ${level}.` },
      { role: 'assistant', content: '', tool_calls: [{ name: 'dim', arguments: { level } }] },
    ],
  })}\n`;
const lines = (word: string): string => [1, 2, 3, 4].map(dialogue(word)).join('');

const RECIPE = `name: small
threads: 1
data: { source: file, train: train.jsonl, test: test.jsonl }
models: { student: student, other: other }
stages:
  - { name: learn, kind: sft, model: student, lr: 1e-4, train_batch_size: 2, save_steps: 1 }
  - { name: drawn, kind: rollout, model: learn, n_samples_per_prompt: 2, rollout_batch_size: 1, kd_topk: 5, generate_max_len: 8, validity_filter: false }
  - { name: measured, kind: eval, models: { student: student, other: other, learned: learn }, rollout_batch_size: 1, generate_max_len: 8 }
export: { model: learn, gguf: student.gguf }
`;

const place = (...path: string[]): string => join(scratch, ...path);
const recipe = (): ReturnType<typeof loadRecipe> => loadRecipe(place('recipe.yaml'));
const folder = place('runs', 'small');

/** Runs until a stage has taken so many steps; to the end without one. */
function run(stage?: string, steps = 1): Promise<RunEvent[]> {
  const stop = new AbortController();
  return runAll(recipe(), place('runs'), {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.stage === stage && event.step === steps) stop.abort();
    },
  });
}

/** The stages that did something, and not only said that they were done. */
const worked = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'stage' ? [event.stage] : []));

/** Names in the refusal: file, what it is to the recipe, stage. */
const refused = (file: string, name: string, stage: string): string =>
  `${place(file)} (${name} of the recipe) is not what stage ${stage} of ${folder} was begun with; put the old contents back, remove ${join(folder, 'stages', stage)} and the folders of the stages that go on from it to make them anew, or choose another name for the run (--set name=NEW).`;

beforeAll(() => {
  makeTinyStudent(scratch);
  cpSync(place('student'), place('other'), { recursive: true });
  writeFileSync(place('train.jsonl'), lines('Dim'));
  writeFileSync(place('test.jsonl'), lines('Turn'));
  writeFileSync(place('recipe.yaml'), RECIPE);
});

describe('a run that was stopped', () => {
  /** Does something to a file, runs, and puts the file back. */
  async function changed(file: string, change: (path: string) => void): Promise<RunEvent[]> {
    const [path, kept] = [place(file), place('kept')];
    const isThere = existsSync(path);
    if (isThere) copyFileSync(path, kept);
    change(path);
    try {
      return await run('measured', 2);
    } finally {
      if (isThere) copyFileSync(kept, path);
      else rmSync(path);
    }
  }
  const append = (path: string): void => appendFileSync(path, ' ');
  const flip = (path: string): void => {
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };

  test('refuses to go on with other data, and goes on where the old ones are back', async () => {
    await run('drawn', 2);
    for (const text of [lines('Set'), lines('Dim') + dialogue('Dim')(5), lines('Dim').replace(/.*\n/, '')])
      await expect(changed('train.jsonl', (path) => writeFileSync(path, text))).rejects.toThrow(
        refused('train.jsonl', 'data.train', 'learn'),
      );
    expect(readLines(join(folder, 'stages', 'drawn', 'rollouts', 'answers.jsonl'))).toHaveLength(2);
  });

  test.each([
    ['model.safetensors', flip],
    ['config.json', append],
    ['tokenizer.json', append],
    ['chat_template.jinja', append],
    ['generation_config.json', append],
    ['generation_config.json', (path: string) => rmSync(path)],
    ['special_tokens_map.json', (path: string) => writeFileSync(path, '{}')],
  ])('refuses another %s of a checkpoint', async (name, change) => {
    await expect(changed(`student/${name}`, change)).rejects.toThrow(
      refused(`student/${name}`, 'models.student', 'learn'),
    );
  });

  test('goes on with what no stage has read yet, and with files that were touched or moved', async () => {
    const now = new Date();
    for (const file of ['train.jsonl', 'student/model.safetensors']) utimesSync(place(file), now, now);
    appendFileSync(place('student', 'README.md'), 'notes');
    flip(place('other', 'model.safetensors'));
    mkdirSync(place('elsewhere'));
    renameSync(place('train.jsonl'), place('elsewhere', 'moved.jsonl'));
    renameSync(place('student'), place('elsewhere', 'student'));
    const text = RECIPE.replace('train.jsonl', 'elsewhere/moved.jsonl');
    writeFileSync(
      place('recipe.yaml'),
      text.replace('student: student, other', 'student: elsewhere/student, other'),
    );
    expect(worked(await run('measured', 6))).toEqual(['drawn', 'measured']);
    renameSync(place('elsewhere', 'moved.jsonl'), place('train.jsonl'));
    renameSync(place('elsewhere', 'student'), place('student'));
    writeFileSync(place('recipe.yaml'), RECIPE);
  });

  test('in the middle of an evaluation, refuses one of its models or its test split where it changed', async () => {
    await expect(changed('other/model.safetensors', flip)).rejects.toThrow(
      refused('other/model.safetensors', 'models.other', 'measured'),
    );
    await expect(changed('test.jsonl', append)).rejects.toThrow(
      refused('test.jsonl', 'data.test', 'measured'),
    );
  });

  test('judges anew what another version of the program has judged, and ends as a run without stops', async () => {
    const record = join(folder, 'stages', 'measured', 'inputs.json');
    const json = JSON.parse(readFileSync(record, 'utf8')) as { scorer: string };
    expect(json.scorer).toMatch(/^[0-9a-f]{8}$/);
    const verdicts = join(folder, 'stages', 'measured', 'verdicts');
    expect(existsSync(join(verdicts, 'step-000005.json'))).toBe(true);
    writeFileSync(record, JSON.stringify({ ...json, scorer: '00000000' }));
    const begun = (await run()).find((event) => event.type === 'stage' && event.stage === 'measured');
    expect(begun).toMatchObject({ done: 0, total: 12 });
    await runAll(recipe(), place('whole'));
    expect(traceOf(folder)).toEqual(traceOf(place('whole', 'small')));
  });

  test('is done, and says so also when other data are there: only by refusing', async () => {
    expect(worked(await run())).toEqual([]);
    await expect(changed('train.jsonl', append)).rejects.toThrow(
      refused('train.jsonl', 'data.train', 'learn'),
    );
  });

  test('whose first stage was made anew from other data refuses the stages that went on from the old one', async () => {
    cpSync(folder, place('copy'), { recursive: true });
    rmSync(join(folder, 'stages', 'learn'), { recursive: true });
    rmSync(join(folder, 'stages', 'drawn'), { recursive: true });
    writeFileSync(place('train.jsonl'), lines('Set'));
    await expect(run()).rejects.toThrow(
      refused('runs/small/stages/learn/model/model.safetensors', 'stages.learn', 'measured'),
    );
    expect(existsSync(join(folder, 'stages', 'drawn', 'done.json'))).toBe(true);
    const exported = readFileSync(join(folder, 'student.gguf'));
    rmSync(join(folder, 'stages', 'measured'), { recursive: true });
    expect(worked(await run())).toEqual(['measured', 'export']);
    expect(readFileSync(join(folder, 'student.gguf')).equals(exported)).toBe(false);
    rmSync(folder, { recursive: true });
    cpSync(place('copy'), folder, { recursive: true });
    writeFileSync(place('train.jsonl'), lines('Dim'));
  });

  test('whose stage was changed by hand refuses the stages that go on from it, and makes it again where it is gone', async () => {
    const template = join(folder, 'stages', 'learn', 'model', 'chat_template.jinja');
    const kept = readFileSync(template);
    appendFileSync(template, ' ');
    await expect(run()).rejects.toThrow(
      refused('runs/small/stages/learn/model/chat_template.jinja', 'stages.learn', 'drawn'),
    );
    writeFileSync(template, kept);
    rmSync(join(folder, 'stages', 'learn'), { recursive: true });
    // The same comes of the same.
    expect(worked(await run())).toEqual(['learn']);
    // Files that were removed to have room are not missed by what is done.
    renameSync(join(folder, 'stages', 'learn', 'model'), place('aside'));
    expect(worked(await run())).toEqual([]);
    renameSync(place('aside'), join(folder, 'stages', 'learn', 'model'));
  });

  test('of an older version, which did not store what its stages were made of, goes on', async () => {
    for (const stage of ['learn', 'drawn', 'measured']) rmSync(join(folder, 'stages', stage, 'inputs.json'));
    rmSync(join(folder, 'export.json'));
    rmSync(join(folder, 'stages', 'measured', 'done.json'));
    expect(worked(await run())).toEqual(['measured']);
    // The places of its files are all that is known of them.
    writeFileSync(place('recipe.yaml'), RECIPE.replace('train.jsonl', 'test.jsonl'));
    await expect(run()).rejects.toThrow(/holds a run of another recipe .*\(its data, seed or device\)/);
    writeFileSync(place('recipe.yaml'), RECIPE);
  });

  test('whose record is damaged says what to remove', async () => {
    writeFileSync(join(folder, 'stages', 'measured', 'inputs.json'), '{"inputs": 3');
    await expect(run()).rejects.toThrow(
      /inputs\.json is damaged; remove .*measured to make that stage anew\.$/,
    );
  });

  test('before a stage came to anything, may have what that needs put right', async () => {
    rmSync(join(folder, 'stages', 'measured'), { recursive: true });
    const kept = readFileSync(place('other', 'config.json'));
    writeFileSync(place('other', 'config.json'), '{}');
    writeFileSync(
      place('recipe.yaml'),
      RECIPE.replace('models: { student: student, other: other, learned', 'models: { other: other, learned'),
    );
    await expect(run()).rejects.toThrow(/it has no model_type/);
    expect(existsSync(join(folder, 'stages', 'measured'))).toBe(false);
    writeFileSync(place('other', 'config.json'), kept);
    expect(worked(await run())).toEqual(['measured']);
    writeFileSync(place('recipe.yaml'), RECIPE);
  });
});

test('a module of an environment, and every file that it names, are inputs too', async () => {
  const source = fileURLToPath(new URL('../fixtures/coins.yaml', import.meta.url));
  const module = fileURLToPath(
    new URL('../../packages/environments/test/modules/coins.mjs', import.meta.url),
  );
  const files = place('module');
  mkdirSync(files);
  copyFileSync(module, join(files, 'coins.mjs'));
  writeFileSync(join(files, 'words.json'), '[]');
  writeFileSync(join(files, 'helper.mjs'), `export const words = new URL('words.json', import.meta.url);\n`);
  appendFileSync(join(files, 'coins.mjs'), `export * from './helper.mjs';\n`);
  const text = readFileSync(source, 'utf8').replace(
    '../../packages/environments/test/modules/coins.mjs',
    'coins.mjs',
  );
  writeFileSync(join(files, 'coins.yaml'), text);
  const coins = loadRecipe(join(files, 'coins.yaml'), {
    set: ['stages.form.max_epochs=2', 'stages.form.save_steps=1'],
  });
  const start = async (): Promise<void> => {
    const stop = new AbortController();
    const onEvent = (event: RunEvent): void => {
      if (event.type === 'step') stop.abort();
    };
    await runAll(coins, join(files, 'runs'), { signal: stop.signal, onEvent });
  };
  await start();
  for (const name of ['coins.mjs', 'helper.mjs', 'words.json']) {
    const before = readFileSync(join(files, name), 'utf8');
    writeFileSync(join(files, name), `${before}\n`);
    await expect(start()).rejects.toThrow(
      `${join(files, name)} (environments.coins of the recipe) is not what stage form of`,
    );
    writeFileSync(join(files, name), before);
  }
});

describe('a pruned model', () => {
  const write = (layers: string, extra = ''): void =>
    writeFileSync(
      place('pruned.yaml'),
      `name: pruned
threads: 1
data: { source: file, train: train.jsonl, test: test.jsonl }
models: { student: student, half: { from: student, layers: ${layers} }${extra} }
stages:
  - { name: learn, kind: sft, model: student, lr: 1e-4, train_batch_size: 2 }
  - { name: small, kind: sft, model: half, lr: 1e-4, train_batch_size: 2 }
`,
    );
  /** Runs until stage `small` has taken a step; to the end without `stops`. */
  const start = (stops: boolean): Promise<RunEvent[]> => {
    const stop = new AbortController();
    return runAll(loadRecipe(place('pruned.yaml')), place('pruned'), {
      signal: stop.signal,
      onEvent: (event) => {
        if (stops && event.type === 'done') stop.abort();
      },
    });
  };
  const small = place('pruned', 'pruned', 'stages', 'small');
  const weights = (run: string): Buffer =>
    readFileSync(place(run, 'pruned', 'stages', 'small', 'model', 'model.safetensors'));

  test('may get other layers until a stage has begun from it, and is made of those then', async () => {
    write('[0]');
    await start(true);
    write('[1]', ', spare: other');
    expect(worked(await start(false))).toEqual(['small']);
    const own = weights('pruned');
    write('[0]');
    await expect(start(false)).rejects.toThrow(
      /\(models\.half, of which stage small was made\); choose another name/,
    );
    rmSync(small, { recursive: true });
    expect(worked(await start(false))).toEqual(['small']);
    expect(weights('pruned').equals(own)).toBe(false);
    // The same as in a run that never had other layers.
    await runAll(loadRecipe(place('pruned.yaml')), place('fresh'));
    expect(weights('fresh').equals(weights('pruned'))).toBe(true);
  });
});
