import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { loadRecipe, parseRecipe } from '../../src/recipe/load.ts';

const good = `name: t
models: { base: m/base }
stages:
  - { name: rolls, kind: rollout, model: base }
  - { name: ckd, kind: distill, model: base, data: rolls }
  - { name: rl, kind: simrl, model: ckd }
`;

/** The message that loading `text` ends in. */
function fault(text: string, set: string[] = []): string {
  try {
    parseRecipe(text, 't.yaml', { set });
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  return 'no fault';
}

test("defaults are the paper's", () => {
  const recipe = parseRecipe(good, 't.yaml');
  expect(recipe.data).toEqual({ source: 'assistant', seed: 7, train: 20480, test: 864 });
  expect(recipe.stages[1]).toMatchObject({
    kd_kl_type: 'fkl',
    kd_topk: 100,
    kd_student_topm: 100,
    kd_kl_l1_coef: 10,
    kd_ratio: 1,
    lr: 3e-6,
    weight_decay: 1e-4,
    train_batch_size: 128,
    adam_beta2: 0.95,
  });
  expect(recipe.stages[2]).toMatchObject({
    lr: 3e-7,
    weight_decay: 0,
    init_kl_coef: 1e-3,
    kl_estimator: 'k2',
    advantage_estimator: 'group_norm',
    dynamic_filtering_range: [0.01, 0.99],
    num_episodes: 3,
  });
});

test('paths are relative to the recipe', () => {
  expect(parseRecipe(good, 'some/where/t.yaml').models['base']).toBe(resolve('some/where/m/base'));
});

test('of the shapes that a model may have, the one with the fewest faults is the one that was meant', () => {
  const faults = (model: string): string => {
    try {
      parseRecipe(
        `name: x\nmodels: { b: y, a: ${model} }\nstages: [{ name: s, kind: sft, model: a }]\n`,
        'r',
      );
    } catch (thrown) {
      return (thrown as Error).message;
    }
    return '';
  };
  expect(faults('{ from: b, layer: 3 }')).toContain(
    'models.a.layer is not a known key; did you mean layers?',
  );
  const shape = 'hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 2';
  const typo = faults(`{ ${shape}, num_key_value_heads: 1, head_dim: 16, tokenizr: x }`);
  expect(typo).toContain('models.a.tokenizr is not a known key; did you mean tokenizer?');
  expect(typo).toContain('The recipe has 2 faults');
});

test('an unknown key names its place and the nearest valid key', () => {
  expect(fault(good.replace('data: rolls', 'data: rolls, learning_rate: 1e-4'))).toMatchInlineSnapshot(
    `"t.yaml:5:59: stages.ckd.learning_rate is not a known key of a distill stage; did you mean lr?"`,
  );
  expect(fault(good.replace('data: rolls', 'data: rolls, kd_tpok: 4'))).toMatchInlineSnapshot(
    `"t.yaml:5:59: stages.ckd.kd_tpok is not a known key of a distill stage; did you mean kd_topk?"`,
  );
  expect(fault(`${good}output: x\n`)).toMatchInlineSnapshot(
    `"t.yaml:7:1: output is not a known key; the keys are name, seed, threads, device, data, thinking, tool_format, models, environments, stages, export, compare, extends or defaults."`,
  );
});

test('a key of an earlier version names the one it is now', () => {
  expect(
    fault(`${good}environments: { sums: { source: arithmetic, manner: agent } }\n`),
  ).toMatchInlineSnapshot(
    `"t.yaml:7:45: environments.sums.manner is called rollout_mode now; rename the key."`,
  );
});

test('a wrong value names its place, path, value and rule', () => {
  expect(fault(good.replace('data: rolls', 'data: rolls, lr: fast'))).toMatchInlineSnapshot(
    `"t.yaml:5:63: stages.ckd.lr is "fast" and must be a number above 0."`,
  );
  expect(fault(good.replace('data: rolls', 'data: rolls, save_steps: 1.5'))).toMatchInlineSnapshot(
    `"t.yaml:5:71: stages.ckd.save_steps is 1.5 and must be a whole number above 0."`,
  );
  expect(fault(good.replace('data: rolls', 'data: rolls, kd_ratio: 2'))).toMatchInlineSnapshot(
    `"t.yaml:5:69: stages.ckd.kd_ratio is 2 and must be a number from 0 to 1."`,
  );
  expect(fault(good.replace('data: rolls', 'data: rolls, kd_kl_type: kfl'))).toMatchInlineSnapshot(
    `"t.yaml:5:71: stages.ckd.kd_kl_type is "kfl" and must be fkl, rkl, akl, sfkl or srkl; did you mean fkl?"`,
  );
  expect(fault(good.replace('data: rolls', 'data: rolls, seed:'))).toMatchInlineSnapshot(
    `"t.yaml:5:65: stages.ckd.seed is empty and must be a whole number from 0 to 4294967295."`,
  );
  expect(
    fault(good.replace('model: ckd', 'model: ckd, dynamic_filtering_range: [0.1]')),
  ).toMatchInlineSnapshot(
    `"t.yaml:6:67: stages.rl.dynamic_filtering_range is [0.1] and must be a list of 2 numbers."`,
  );
  expect(fault(good.replace('m/base', '3'))).toMatchInlineSnapshot(
    `"t.yaml:2:17: models.base is 3 and must be text, a map with the keys from, layers, prompt_tools or a map with the keys hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, and more."`,
  );
  expect(fault(good.replace('name: t', 'name: ../t'))).toMatchInlineSnapshot(
    `"t.yaml:1:7: name is "../t" and must be a name of letters, digits, dots, dashes and underscores."`,
  );
});

test('a missing key says what it must be', () => {
  expect(fault('name: t\n')).toMatchInlineSnapshot(`
    "The recipe has 2 faults:
      t.yaml:1:1: models is missing; it must be a map.
      t.yaml:1:1: stages is missing; it must be a list with at least one entry."
  `);
  expect(fault(good.replace(', data: rolls', ''))).toMatchInlineSnapshot(
    `"t.yaml:5:5: stages.ckd.data is missing; it must be text."`,
  );
});

test('an unknown kind of stage suggests the nearest', () => {
  expect(fault(good.replace('kind: simrl', 'kind: simlr'))).toMatchInlineSnapshot(
    `"t.yaml:6:23: stages.rl.kind is "simlr" and must be acebench, bfcl, distill, dpo, eval, gkd, joint, luffy, mentor, pretrain, rollout, sft, simrl, tool_eval or trajectories; did you mean simrl?"`,
  );
});

test('references must be to a model or an earlier stage of the right kind', () => {
  expect(fault(good.replace('data: rolls', 'data: rols'))).toMatchInlineSnapshot(
    `"t.yaml:5:52: stages.ckd.data refers to rols, which is not an earlier rollout stage; did you mean rolls?"`,
  );
  expect(fault(good.replace('model: ckd', 'model: rolls'))).toMatchInlineSnapshot(
    `"t.yaml:6:37: stages.rl.model refers to rolls, a rollout stage; it must be a model or an earlier stage that trains one."`,
  );
  expect(fault(good.replace('model: ckd', 'model: rl'))).toMatchInlineSnapshot(
    `"t.yaml:6:37: stages.rl.model refers to rl, which does not come earlier; it must be a model or an earlier stage that trains one."`,
  );
  expect(fault(good.replace('name: rl', 'name: ckd'))).toMatchInlineSnapshot(
    `"t.yaml:6:13: the name ckd is taken by an earlier stage; rename this stage."`,
  );
  expect(fault(`${good}export: { model: bsae, gguf: x.gguf }\n`)).toMatchInlineSnapshot(
    `"t.yaml:7:18: export.model refers to bsae, which is not a model or an earlier stage that trains one; did you mean base?"`,
  );
});

test('numbers must fit each other', () => {
  expect(fault(good.replace('data: rolls', 'data: rolls, kd_topk: 200'))).toMatchInlineSnapshot(
    `"t.yaml:5:68: stages.ckd.kd_topk is 200, and rolls stores only kd_topk 100; lower the one or raise the other."`,
  );
  expect(fault(good.replace('model: ckd', 'model: ckd, reward_clip_range: [3, -3]'))).toMatchInlineSnapshot(
    `"t.yaml:6:61: stages.rl.reward_clip_range is [3, -3] and must rise from the first number to the second."`,
  );
  expect(fault(good.replace('model: ckd', 'model: ckd, train_batch_size: 12'))).toMatchInlineSnapshot(
    `"t.yaml:6:60: stages.rl.train_batch_size is 12 and must be a multiple of n_samples_per_prompt (8), as a prompt's samples share a step."`,
  );
});

test('heads of a new model must fit each other', () => {
  const model = `{ hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 3, num_key_value_heads: 2, head_dim: 16, tokenizer: a }`;
  expect(fault(good.replace('m/base', model))).toMatchInlineSnapshot(
    `"t.yaml:2:102: models.base.num_attention_heads is 3 and must be a multiple of num_key_value_heads."`,
  );
});

test('all faults are told together, in the order of the file', () => {
  const text = good
    .replace('data: rolls', 'data: rolls, lr: -1')
    .replace('model: ckd', 'model: cdk, topk: 3');
  expect(fault(`${text}sed: 1\n`)).toMatchInlineSnapshot(`
    "The recipe has 4 faults:
      t.yaml:5:63: stages.ckd.lr is -1 and must be a number above 0.
      t.yaml:6:37: stages.rl.model refers to cdk, which is not a model or an earlier stage that trains one; did you mean ckd?
      t.yaml:6:42: stages.rl.topk is not a known key of a simrl stage; did you mean top_k?
      t.yaml:7:1: sed is not a known key; did you mean seed?"
  `);
});

test('what is not a YAML map is told in one sentence', () => {
  expect(fault('')).toMatchInlineSnapshot(`"t.yaml: the recipe is empty; it needs name, models and stages."`);
  expect(fault('hello')).toMatchInlineSnapshot(
    `"t.yaml:1:1: this is not a recipe: it must be a map with the keys name, models and stages."`,
  );
  expect(fault('\u0000\u0001\u0002')).toMatchInlineSnapshot(
    `"t.yaml:1:1: this is not a recipe: it must be a map with the keys name, models and stages."`,
  );
  expect(fault('name: [t')).toMatchInlineSnapshot(
    `"t.yaml:1:9: this is not valid YAML (Flow sequence in block collection must be sufficiently indented and end with a ]); correct it, or quote it if it is text."`,
  );
  expect(fault('name: t\nname: u\n')).toMatchInlineSnapshot(
    `"t.yaml:2:1: the key "name" stands twice in the same map; remove one."`,
  );
  expect(fault('a:\n\t- b')).toMatchInlineSnapshot(
    `"t.yaml:2:1: a tab is used to indent, which YAML forbids; use spaces."`,
  );
  expect(fault('name: t\n---\nname: u')).toMatchInlineSnapshot(
    `"t.yaml:2:1: a second YAML document begins here; keep one recipe a file."`,
  );
});

test('an alias of its own ancestor, or of nothing, is told', () => {
  expect(fault(`all: &all\n  again: *all\n${good}`)).toMatchInlineSnapshot(
    `"t.yaml:2:10: the alias *all stands inside &all itself, which never ends; remove it."`,
  );
  expect(fault(`name: *nothing\n`)).toMatchInlineSnapshot(
    `"t.yaml:1:7: the alias *nothing has no anchor &nothing before it; define it first, or quote it."`,
  );
});

test('a stage can take shared options from an anchor', () => {
  const text = good
    .replace(
      '{ name: rolls, kind: rollout, model: base }',
      '{ name: rolls, kind: rollout, model: base, <<: &short { prompt_max_len: 64 } }',
    )
    .replace('model: ckd }', 'model: ckd, <<: *short }');
  expect(parseRecipe(text, 't.yaml').stages[2]).toMatchObject({ prompt_max_len: 64 });
  expect(fault(text.replace('64', 'no'))).toMatchInlineSnapshot(`
    "The recipe has 2 faults:
      t.yaml:4:77: stages.rl.prompt_max_len is "no" and must be a whole number above 0.
      t.yaml:4:77: stages.rolls.prompt_max_len is "no" and must be a whole number above 0."
  `);
});

test('what is merged must be a map', () => {
  expect(fault(good.replace('data: rolls', 'data: rolls, <<: [1]'))).toMatchInlineSnapshot(
    `"t.yaml:5:64: << must name a map, or a list of maps; correct it here."`,
  );
});

test('a missing recipe is told', () => {
  expect(() => loadRecipe('nowhere/t.yaml')).toThrow(
    'Cannot read nowhere/t.yaml: it does not exist; check the path.',
  );
});

test('missing files of a recipe are found before a run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-recipe-'));
  const file = join(folder, 't.yaml');
  writeFileSync(file, good);
  expect(() => loadRecipe(file, { checkFiles: true })).toThrow(
    /t\.yaml:2:17: models\.base is .*there is no such folder; check the path\./,
  );
  mkdirSync(join(folder, 'm/base'), { recursive: true });
  expect(loadRecipe(file, { checkFiles: true }).name).toBe('t');
});

test('a served teacher is told what it cannot do', () => {
  const teacher = (kind: string): string =>
    good.replace(
      'kind: rollout, model: base',
      `kind: rollout, model: base, teacher: { kind: ${kind}, endpoints: [http://a:1] }`,
    );
  expect(fault(teacher('vllm'))).toBe('no fault');
  expect(fault(teacher('openai'))).toMatch(
    /stages\.ckd\.data is rolls, whose teacher of kind openai gives no log-probabilities; train on it with a stage of kind sft\./,
  );
  expect(fault(teacher('vllm').replace('http://a:1', 'a:1'))).toMatch(/stages\.rolls\.teacher\.endpoints\.0/);
  expect(fault(teacher('vllm').replace('endpoints: [http://a:1]', 'endpoint: x'))).toMatch(
    /stages\.rolls\.teacher\.endpoint is not a known key; did you mean endpoints\?/,
  );
  expect(fault(teacher('vllm').replace('model: base, teacher', 'model: base, from: old, teacher'))).toMatch(
    /stages\.rolls\.teacher stands beside from, which takes over rollouts from old; remove teacher or from\./,
  );
});
