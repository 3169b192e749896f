/** Recipes whose models are GGUF files: of a file that was exported as f32, a run makes what it makes of the folder. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { loadModel } from '../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../src/model/checkpoint/gguf.ts';
import { ggufTokenizer } from '../../src/chat/gguf-tokenizer.ts';
import { estimateRecipe } from '../../packages/estimate/src/index.ts';
import { loadEstimable, type LoadOptions, loadRecipe } from '../../src/recipe/load.ts';
import type { Recipe } from '../../src/recipe/schema.ts';
import { runCli } from '../helpers/cli.ts';
import { filesOf, logOf, runAll, runEngine, scratchFolder } from '../helpers/runs.ts';
import { makeTinyStudent } from '../helpers/tiny-student.ts';

const { folder: scratch, remove } = scratchFolder();
afterAll(remove);
const { checkpoint, tokenizer } = makeTinyStudent(scratch);

/** Rollouts of a teacher, CKD from them, training of the teacher itself, and an evaluation of both. */
function recipeOf(name: string, teacher: string, options: LoadOptions = {}): Recipe {
  const path = join(scratch, `${name}.yaml`);
  writeFileSync(
    path,
    `name: ${name}
seed: 3
threads: 1
data: { source: assistant, train: 6, test: 4 }
models: { teacher: ${teacher}, student: student }
stages:
  - name: rollouts
    kind: rollout
    model: teacher
    n_samples_per_prompt: 2
    rollout_batch_size: 3
    kd_topk: 20
    validity_filter: false
    prompt_max_len: 1900
    generate_max_len: 10
  - { name: ckd, kind: distill, model: student, data: rollouts, kd_topk: 20, kd_student_topm: 20, train_batch_size: 4, prompt_max_len: 1900, generate_max_len: 10 }
  - { name: sft, kind: sft, model: teacher, train_batch_size: 4, max_epochs: 1, prompt_max_len: 1900 }
  - { name: evaluation, kind: eval, models: { teacher: teacher, tuned: sft }, generate_max_len: 10 }
export: { model: teacher, gguf: exported.gguf }
`,
  );
  return loadRecipe(path, options);
}

describe('a recipe with a GGUF file for a teacher', () => {
  it('rolls out, distils, trains, evaluates and exports as with the folder that the file was made of', async () => {
    const runs = join(scratch, 'runs');
    for (const [name, teacher] of [
      ['file', 'student.gguf'],
      ['folder', 'student'],
    ] as const)
      await runAll(recipeOf(name, teacher), runs);
    const made = (name: string, path: string): Buffer => readFileSync(join(runs, name, path));
    const same = filesOf(join(runs, 'folder')).filter(
      (path) => path.startsWith('stages/') && /\.safetensors$|\.topk$|\.jsonl$|eval\.json$/.test(path),
    );
    expect(same.length).toBe(5);
    for (const path of same) expect(made('file', path).equals(made('folder', path)), path).toBe(true);
    expect(logOf(join(runs, 'file'))).toEqual(logOf(join(runs, 'folder')));
    const tuned = Tokenizer.load(join(runs, 'file/stages/sft/model'));
    expect(tuned.fingerprint()).toBe(tokenizer.fingerprint());
    expect(tuned.chatTemplate).toBe(tokenizer.chatTemplate);
    expect(Tokenizer.load(join(runs, 'file/exported.gguf')).fingerprint()).toBe(tokenizer.fingerprint());
  }, 120_000);

  it('is refused before it runs where there is no such file', () => {
    mkdirSync(join(scratch, 'folder.gguf'));
    for (const name of ['none.gguf', 'folder.gguf']) {
      expect(() => recipeOf('missing', name, { checkFiles: true })).toThrow(
        `models.teacher is ${join(scratch, name)}, and there is no such file; check the path.`,
      );
    }
    recipeOf('there', 'student.gguf', { checkFiles: true });
  });

  it('is planned as the model that it is read as', async () => {
    const memory = async (teacher: string): Promise<number[]> => {
      const { stages } = estimateRecipe(recipeOf('planned', teacher), scratch);
      return stages.map((stage) => stage.disk);
    };
    expect(await memory('student.gguf')).toEqual(await memory('student'));
    const path = join(scratch, 'absent.yaml');
    writeFileSync(
      path,
      `name: absent
data: { source: assistant, train: 8, test: 4 }
models: { teacher: Qwen3-8B-Q4_K_M.gguf }
stages:
  - { name: rollouts, kind: rollout, model: teacher, compute_dtype: bf16 }
`,
    );
    const { stages, notes } = estimateRecipe(loadEstimable(path).recipe, scratch);
    expect(notes.join()).toContain('that of the published Qwen3-8B-Q4_K_M.gguf');
    // 8.19 thousand million weights in bf16.
    expect(stages[0]!.memory).toBeGreaterThan(15 * 2 ** 30);
  }, 60_000);
});

describe('tinystar eval', () => {
  it('measures a quantised file beside the checkpoint, and refuses what is none', async () => {
    const small = join(scratch, 'small.gguf');
    using device = Device.open('cpu', 1);
    const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
    using model = parameters;
    exportGguf(small, config, model, ggufTokenizer(checkpoint), { dtype: 'q8_0' });
    const runs = join(scratch, 'evals');
    const evaluated = await runEngine([
      'eval',
      checkpoint,
      small,
      '--test',
      '4',
      '--generate-max-len',
      '8',
      '--runs',
      runs,
    ]);
    expect(evaluated.code).toBe(0);
    expect(evaluated.stdout + evaluated.stderr).toContain('small.gguf');
    const refused = await runCli(['eval', join(scratch, 'none.gguf')]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('none.gguf does not exist; check the path.');
  }, 60_000);

  it("has llama.cpp's engine run a file only when told to, which answers as ours does, and runs no folder", async () => {
    const runs = join(scratch, 'engines');
    const args = [join(scratch, 'student.gguf'), '--test', '4', '--generate-max-len', '8', '--runs', runs];
    const outputs: unknown[] = [];
    for (const engine of [[], ['--engine', 'llama.cpp']]) {
      expect((await runEngine(['eval', ...args, ...engine])).code).toBe(0);
      const folder = readdirSync(runs).filter((name) => !outputs.includes(name));
      outputs.push(...folder);
    }
    const [ours, theirs] = outputs.map(
      (name) =>
        JSON.parse(readFileSync(join(runs, String(name), 'stages/evaluation/eval.json'), 'utf8')) as unknown,
    );
    expect(outputs.length).toBe(2);
    expect(theirs).toEqual(ours);
    const refused = await runEngine(['eval', checkpoint, '--engine', 'llama.cpp', '--runs', runs]);
    expect(refused.stderr).toMatch(/llama\.cpp's engine runs GGUF files, and .* is none; export it/);
    const generate = ['generate', join(scratch, 'student.gguf'), 'hello', '--generate-max-len', '4'];
    const asked = await runEngine(generate);
    const other = await runEngine([...generate, '--engine', 'llama.cpp']);
    expect(other.stdout).toBe(asked.stdout);
  }, 120_000);
});
