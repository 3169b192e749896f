import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { LlamaModel } from '../../src/ggml/llama.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import { evalSchema, logLineSchema, sampleLineSchema } from '../../src/eval/formats.ts';
import type { RunEvent } from '../../src/train/events.ts';
import { METRICS } from '../../src/train/metrics.ts';
import {
  filesOf,
  logOf,
  readLines,
  runAll,
  runEngine,
  scratchFolder,
  SMOKE,
  smoke,
  traceOf,
} from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const recipe = smoke();
const folder = join(scratch, 'smoke');
const trained = ['base', 'teacher', 'ckd', 'gkd', 'star', 'dpo', 'luffy', 'joint', 'sft-think'];
let events: readonly RunEvent[] = [];

beforeAll(async () => {
  events = await runAll(recipe, scratch);
}, 120_000);
afterAll(remove);

const ofType = <T extends RunEvent['type']>(type: T): Extract<RunEvent, { type: T }>[] =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

describe('events', () => {
  test('every stage begins, steps one by one to its total, and is done; the export comes last', () => {
    const stages = [...recipe.stages.map(({ name }) => name), 'export'];
    expect(ofType('stage').map(({ stage }) => stage)).toEqual(stages);
    expect(ofType('done').map(({ stage }) => stage)).toEqual(stages);
    for (const { stage, kind, total, done } of ofType('stage').slice(0, -1)) {
      expect(done).toBe(0);
      expect(kind).toBe(recipe.stages.find(({ name }) => name === stage)?.kind);
      const steps = ofType('step').filter((event) => event.stage === stage);
      expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
      expect(steps.every((event) => event.total === total && event.tokens > 0 && event.seconds > 0)).toBe(
        true,
      );
    }
  });

  test('metrics are declared and finite, and every kind of stage has its own', () => {
    for (const { metrics } of ofType('step')) {
      expect(Object.keys(METRICS)).toEqual(expect.arrayContaining(Object.keys(metrics)));
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    }
    const named = (stage: string): string[] =>
      Object.keys(ofType('step').find((event) => event.stage === stage)?.metrics ?? {});
    expect(named('base')).toEqual(
      expect.arrayContaining(['loss', 'ce', 'grad_norm', 'lr', 'tokens_per_second']),
    );
    expect(named('rollouts')).toEqual(
      expect.arrayContaining(['reward', 'valid', 'kept', 'completion_tokens']),
    );
    expect(named('ckd')).toEqual(expect.arrayContaining(['fkl', 'tail', 'teacher_mass', 'entropy']));
    expect(named('gkd')).toEqual(expect.arrayContaining(['fkl', 'rkl', 'teacher_mass', 'on_policy']));
    expect(named('star')).toEqual(
      expect.arrayContaining(['reward', 'format_reward', 'answer_reward', 'filtered', 'kl', 'clip_fraction']),
    );
    expect(named('luffy')).toEqual(
      expect.arrayContaining(['reward', 'policy_loss', 'off_policy_loss', 'off_policy_prob', 'entropy']),
    );
    expect(named('joint')).toEqual(
      expect.arrayContaining(['reward', 'policy_loss', 'kl', 'kd_loss', 'fkl', 'tail', 'entropy']),
    );
    expect(named('dpo')).toEqual(
      expect.arrayContaining([
        'preference_accuracy',
        'chosen_reward',
        'rejected_reward',
        'reward_margin',
        'chosen_logprob',
        'rejected_logprob',
      ]),
    );
    expect(named('evaluation')).toContain('exact_match');
  });

  test('checkpoints come every save_steps, but not at the end, where the model is saved', () => {
    const at = (stage: string): number[] =>
      ofType('checkpoint').flatMap((event) => (event.stage === stage ? [event.step] : []));
    expect(at('base')).toEqual([2]);
    expect(at('teacher')).toEqual([5]);
    expect(at('star')).toEqual([2]);
  });
});

describe('preferences', () => {
  const steps = (): Partial<Record<string, number>>[] =>
    ofType('step').flatMap(({ stage, metrics }) => (stage === 'dpo' ? [metrics] : []));

  test('begin at the reference: the first loss is ln 2, and no answer has gained anything', () => {
    const [first] = steps();
    expect(first?.['loss']).toBeCloseTo(Math.LN2, 5);
    expect(first?.['reward_margin']).toBeCloseTo(0, 5);
  });

  test('are learned: at the end the chosen answers have gained over the rejected ones', () => {
    const last = steps().at(-1);
    expect(last?.['reward_margin']).toBeGreaterThan(0.005);
    expect(last?.['loss']).toBeLessThan(Math.LN2);
  });

  test('are shown as pairs in the samples, each with what its answers earned', () => {
    const shown = readLines(join(folder, 'samples.jsonl'))
      .map((line) => sampleLineSchema.parse(line))
      .filter(({ stage }) => stage === 'dpo');
    expect(shown.length).toBeGreaterThanOrEqual(2);
    for (let i = 0; i < shown.length; i += 2) {
      expect(shown[i]?.id).toBe(shown[i + 1]?.id);
      expect(shown[i]!.reward).toBeGreaterThan(shown[i + 1]!.reward);
    }
  });
});

describe('the folder', () => {
  test('has the resolved recipe, and no path of this machine', () => {
    expect(loadRecipe(join(folder, 'recipe.yaml'))).toEqual(recipe);
    for (const file of filesOf(folder).filter((name) => /\.(json|jsonl|yaml|jinja)$/.test(name)))
      expect(readFileSync(join(folder, file), 'utf8')).not.toContain(scratch);
  });

  test('has a log of every step and samples with rewards, as the report reads them', () => {
    const log = readLines(join(folder, 'log.jsonl')).map((line) => logLineSchema.parse(line));
    expect(log.map(({ stage, step }) => `${stage} ${step}`)).toEqual(
      ofType('step').map(({ stage, step }) => `${stage} ${step}`),
    );
    const samples = readLines(join(folder, 'samples.jsonl')).map((line) => sampleLineSchema.parse(line));
    expect(new Set(samples.map(({ stage }) => stage))).toEqual(
      new Set(['rollouts', 'star', 'dpo', 'luffy', 'joint']),
    );
    expect(samples.every(({ reward, prompt }) => reward >= -1 && prompt.includes('<tools>'))).toBe(true);
  });

  test('has models that load, and no state of the optimiser any more', () => {
    using device = Device.open('cpu', 1);
    for (const stage of trained) {
      const path = join(folder, 'stages', stage, 'model');
      using model = loadModel(device, path, { trainable: false }).parameters;
      expect(model.count).toBeGreaterThan(20_000);
      expect(Tokenizer.load(path).chatTemplate).toContain('<tools>');
      expect(existsSync(join(folder, 'stages', stage, 'checkpoints'))).toBe(false);
    }
    expect(filesOf(folder).filter((path) => path.endsWith('.tmp') || path.endsWith('.lock'))).toEqual([]);
  });

  test('has an evaluation with a row for every model', () => {
    const result = evalSchema.parse(
      JSON.parse(readFileSync(join(folder, 'stages/evaluation/eval.json'), 'utf8')),
    );
    expect(result.models.map(({ label, ref, total }) => [label, ref, total])).toEqual([
      ['base', 'base', 6],
      ['CKD', 'ckd', 6],
      ['STAR', 'star', 6],
    ]);
    expect(Object.keys(result.samples[0]?.outputs ?? {})).toEqual(['base', 'CKD', 'STAR']);
  });

  test('has a GGUF file that llama.cpp opens', () => {
    using model = LlamaModel.load(join(folder, 'student.gguf'));
    expect(model).toBeDefined();
  });
});

describe('the same recipe', () => {
  test('again in the same folder does nothing anew', async () => {
    const before = traceOf(folder);
    const touched = filesOf(folder).map((path) => [path, statSync(join(folder, path)).mtimeMs]);
    const again = await runAll(recipe, scratch);
    expect(again.map(({ type, stage }) => `${type} ${stage}`)).toEqual(
      [...recipe.stages.map(({ name }) => name), 'export'].map((name) => `done ${name}`),
    );
    expect(again.map((event) => (event.type === 'done' ? event.outputs : {}))).toEqual(
      ofType('done').map(({ outputs }) => outputs),
    );
    expect(traceOf(folder)).toEqual(before);
    expect(filesOf(folder).map((path) => [path, statSync(join(folder, path)).mtimeMs])).toEqual(touched);
  });

  test('in another folder, through the command line, gives the same bytes, a table and a report', async () => {
    const other = join(scratch, 'other');
    const { stdout, stderr, code } = await runEngine(['run', SMOKE, '--runs', other]);
    expect({ stderr, code }).toMatchObject({ code: 0 });
    expect(traceOf(join(other, 'smoke'))).toEqual(traceOf(folder));
    expect(stdout).toMatch(
      /model +exact match[^]+base[^]+CKD[^]+STAR[^]+report .*report\.html\nGGUF .*student\.gguf/,
    );
    expect(stderr).toMatch(/✓ star {2}3 steps[^]+✓ evaluation[^]+✓ export/);
    const report = readFileSync(join(other, 'smoke', 'report.html'), 'utf8');
    expect(report).toContain('star');
    expect(report).not.toContain(scratch);
  });

  test('another seed gives other weights', async () => {
    const other = join(scratch, 'seed');
    const stop = new AbortController();
    await runAll(smoke('seed=2'), other, {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'done') stop.abort();
      },
    });
    const weights = (runs: string): Buffer =>
      readFileSync(join(runs, 'smoke/stages/base/model/model.safetensors'));
    expect(weights(other).equals(weights(scratch))).toBe(false);
  });
});

describe('pairs of rollouts', () => {
  /** The run up to its dpo stage, going on with other options of it. */
  function goOn(name: string, ...set: string[]): Promise<RunEvent[]> {
    const runs = join(scratch, name);
    cpSync(folder, join(runs, 'smoke'), {
      recursive: true,
      filter: (path) => !/\/stages\/(dpo|star|evaluation)|student\.gguf$/.test(path),
    });
    const stop = new AbortController();
    return runAll(smoke(...set), runs, {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'done' && event.stage === 'dpo') stop.abort();
      },
    });
  }

  test('that are too much alike are none, which is told with what to do', async () => {
    await expect(goOn('alike', 'stages.dpo.reward_margin=1.5')).rejects.toThrow(
      'Stage dpo has no pair to learn from: of the 6 prompts of rollouts, 6 have answers that differ by less than reward_margin 1.5 (lower it).',
    );
    await expect(goOn('poor', 'stages.dpo.reward_threshold=0.9')).rejects.toThrow(
      /have no answer that earns reward_threshold 0\.9 \(lower it\)\.$/,
    );
  });

  test('can be told apart by another reward, and learned with the other loss', async () => {
    const after = await goOn(
      'binary',
      'stages.dpo.reward=binary',
      'stages.dpo.loss_type=ipo',
      'stages.dpo.beta=0.5',
    );
    const [first] = after.flatMap((event) =>
      event.type === 'step' && event.stage === 'dpo' ? [event.metrics] : [],
    );
    // (1 / (2 beta))^2, as nothing has been learned yet.
    expect(first?.loss).toBeCloseTo(1, 4);
  });
});

test('distillation leaves out answers that earn too little, and says when none is left', async () => {
  const runs = join(scratch, 'picky');
  cpSync(folder, join(runs, 'smoke'), {
    recursive: true,
    filter: (path) => !/\/stages\/(ckd|dpo|star|evaluation)|student\.gguf$/.test(path),
  });
  await expect(runAll(smoke('stages.ckd.reward_threshold=1'), runs)).rejects.toThrow(
    'Stage ckd has nothing to learn from: no answer of rollouts earns 1 (reward_threshold); lower it.',
  );
});

describe('a changed recipe', () => {
  test('is refused where the run has begun, and says where', async () => {
    await expect(runAll(smoke('stages.ckd.lr=2e-3', 'seed=3'), scratch)).rejects.toThrow(
      /holds a run of another recipe or with other options \(its data, seed or device; stage ckd, which has begun\); choose another name/,
    );
    await expect(runAll(smoke('export.gguf=other.gguf'), scratch)).rejects.toThrow(/\(its export\)/);
  });

  test('may differ in stages that have not begun: the run goes on with it', async () => {
    const runs = join(scratch, 'changed');
    cpSync(folder, join(runs, 'smoke'), {
      recursive: true,
      filter: (path) => !/\/stages\/(star|evaluation)|student\.gguf$/.test(path),
    });
    const changed = smoke('stages.star.lr=5e-4');
    const after = await runAll(changed, runs);
    expect(after.find(({ type }) => type === 'stage')).toMatchObject({ stage: 'star', done: 0 });
    expect(loadRecipe(join(runs, 'smoke', 'recipe.yaml'))).toEqual(changed);
    const steps = logOf(join(runs, 'smoke')).map(({ stage, step }) => `${String(stage)} ${String(step)}`);
    expect(steps).toEqual(logOf(folder).map(({ stage, step }) => `${String(stage)} ${String(step)}`));
  });
});
