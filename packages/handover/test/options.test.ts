/** Every option of every kind of stage in every engine: mapped, or said to be lacking; and the engines' names are theirs. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stageSchema } from '../../../src/stages/index.ts';
import { NO_DATA } from '../src/data.ts';
import type { Around, Handing } from '../src/engine.ts';
import { engines } from '../src/engines/index.ts';
import {
  engineOptions,
  HANDED_KINDS,
  type HandedKind,
  type HandedStage,
  nested,
  optionPaths,
  optionRows,
  optionsTable,
  refused,
} from '../src/options.ts';

const around: Around = {
  processes: 2,
  model: 'Qwen/Qwen3-0.6B',
  seed: 1,
  rewardUrl: 'http://rewards:5000/get_reward',
  teacher: 'Teacher-8B',
  data: NO_DATA,
};

const OPTIONS = { distill: { data: 'rollouts' }, simrl: {}, sft: {} } as const;
/** A learning rate that nothing else looks like. */
const LR = 0.00123;
const stageOf = (kind: HandedKind, more: object = {}): HandedStage =>
  stageSchema.parse({
    name: 'stage',
    kind,
    model: 'student',
    lr: LR,
    ...OPTIONS[kind],
    ...more,
  }) as HandedStage;
/** A value of every option that a recipe may leave out. */
const ALL = {
  seed: 7,
  lora: { rank: 8, alpha: 16, target_modules: 'all-linear' },
  tree_size: 4,
  token_budget: 1000,
};
const OWN = {
  distill: { reward_threshold: 0.5, max_samples: 10 },
  simrl: { prompts: 10, steps: 3 },
  sft: { max_samples: 10 },
} as const;
const whole = (kind: HandedKind): HandedStage => stageOf(kind, { ...ALL, ...OWN[kind] });

const handings = Object.values(engines).flatMap((engine) =>
  HANDED_KINDS.flatMap((kind) => {
    const handing = engine.kinds[kind] as Handing<HandedKind> | string;
    return typeof handing === 'string' ? [] : [{ engine, kind, handing }];
  }),
);

describe.each(handings)('$engine.title, $kind', ({ engine, kind, handing }) => {
  const stage = whole(kind);
  const mapped = handing.map(stage, around);

  test('every option of the schema is mapped, and nothing else is', () => {
    expect(Object.keys(mapped).toSorted()).toEqual(optionPaths(kind).toSorted());
  });

  test('the table has a line for each option, with its value', () => {
    const table = optionsTable(engine.title, stage, optionRows(stage, mapped), handing.fixed(stage, around));
    for (const path of optionPaths(kind)) expect(table).toContain(`| \`${path}\` |`);
    expect(table).toContain(`| \`lr\` | \`${stage.lr}\``);
  });

  test('what the engine lacks says in words what that means', () => {
    const notes = Object.values(mapped).flatMap((mapping) =>
      mapping.is === 'options' ? [] : [mapping.note],
    );
    expect(notes.filter((note) => note.length <= 8)).toEqual([]);
  });

  test("the engine's options are options that it has", () => {
    const known = (
      JSON.parse(readFileSync(new URL('fixtures/engine-options.json', import.meta.url), 'utf8')) as Record<
        string,
        string[]
      >
    )[engine.name];
    const told = { ...handing.fixed(stage, around), ...engineOptions(optionRows(stage, mapped)) };
    const names = Object.keys(told).flatMap((name) => {
      if (engine.name === 'trl') return name.startsWith('training.') ? [name.slice('training.'.length)] : [];
      if (engine.name === 'tinker') return name.startsWith('adam.') ? [name.slice('adam.'.length)] : [];
      return /^(loss\.|ray_kwargs\.|.*override_optimizer_config\.)/.test(name) ? [] : [name];
    });
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => known?.includes(name) !== true)).toEqual([]);
  });

  test('the values of the recipe are in the files that the engine reads', () => {
    const rows = optionRows(stage, mapped);
    const all = { ...handing.fixed(stage, around), ...engineOptions(rows) };
    const text = [...Object.values(handing.files(all, around)), ...handing.run(all, around)].join('\n');
    expect(text).toContain(String(LR));
    expect(text).toMatch(/0\.03/);
  });
});

test('an engine that lacks a kind of stage names one that has it', () => {
  for (const engine of Object.values(engines))
    for (const kind of HANDED_KINDS) {
      const handing = engine.kinds[kind];
      if (typeof handing !== 'string') continue;
      const named = Object.values(engines).filter(({ name }) => handing.includes(name));
      expect(named.some((other) => typeof other.kinds[kind] !== 'string')).toBe(true);
    }
});

test('what changes results in earnest is refused, what does not is told', () => {
  const lackedBy = (name: keyof typeof engines, kind: HandedKind, more: object): string[] => {
    const stage = stageOf(kind, more);
    const handing = engines[name].kinds[kind] as Handing<HandedKind>;
    return refused(optionRows(stage, handing.map(stage, around))).map(({ path }) => path);
  };
  expect(lackedBy('trl', 'distill', {})).toEqual([]);
  expect(lackedBy('trl', 'simrl', {})).toEqual([]);
  expect(lackedBy('openrlhf', 'simrl', {})).toEqual([]);
  expect(lackedBy('axolotl', 'distill', {})).toEqual([]);
  expect(lackedBy('tinker', 'distill', {})).toEqual([]);
  expect(lackedBy('trl', 'distill', { optimizer: 'muon' })).toEqual(['optimizer']);
  expect(lackedBy('tinker', 'distill', { kd_ratio: 0.5 })).toEqual(['kd_ratio']);
  expect(lackedBy('openrlhf', 'simrl', { steps: 3 })).toEqual(['steps']);
  expect(lackedBy('trl', 'simrl', { reward_clip_range: [-1, 1] })).toEqual(['reward_clip_range']);
  expect(lackedBy('verl', 'distill', {})).toEqual(['data']);
});

test('a step that processes cannot share evenly is refused, and a micro-batch is made to fit', () => {
  const { map } = engines.trl.kinds.sft as Handing<'sft'>;
  const stage = stageOf('sft', { train_batch_size: 12, micro_train_batch_size: 4 }) as never;
  expect(() => map(stage, { ...around, processes: 5 })).toThrow(/train_batch_size of 12, which 5 processes/);
  const { micro_train_batch_size: micro } = map(stage, { ...around, processes: 2 });
  expect(micro).toMatchObject({ options: { 'training.per_device_train_batch_size': 3 } });
});

test('names with dots become nested objects', () => {
  expect(nested({ 'a.b.c': 1, 'a.b.d': [2], e: 'f' })).toEqual({ a: { b: { c: 1, d: [2] } }, e: 'f' });
});
