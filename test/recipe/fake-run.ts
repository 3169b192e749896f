/** A run folder as a finished run leaves it, with invented numbers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import { loadRecipe } from '../../src/recipe/load.ts';
import type { EvalResult, MachineFacts } from '../../src/eval/formats.ts';
import { formatRecipe } from '../../src/recipe/resolve.ts';

const CATEGORIES = [
  'single',
  'similar',
  'parallel',
  'multiple',
  'optional',
  'irrelevant',
  'missing',
  'unseen_tool',
];
const START = Date.parse('2026-11-20T12:00:00Z');

const MACHINE: MachineFacts = {
  version: '0.1.0',
  node: '20.20.2',
  system: 'linux x64',
  processor: 'Example CPU 9000',
  cores: 2,
  memory_gb: 16,
  device: 'cpu (AVX-512), the only one',
  started: new Date(START).toISOString(),
  command: 'tinystar run recipes/tiny-star.yaml',
};

const ACCURACY: Readonly<Record<string, number>> = {
  base: 0.36,
  SFT: 0.61,
  FKL: 0.68,
  'Sim-RL alone': 0.55,
  CKD: 0.74,
  STAR: 0.85,
  'teacher base': 0.66,
  teacher: 0.93,
};

function call(name: string, args: Record<string, unknown>): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;
}

function evalResult(models: Readonly<Record<string, string>>, rng: Rng): EvalResult {
  const labels = Object.keys(models);
  const each = 108;
  const rows = Object.entries(models).map(([label, ref]) => {
    const byCategory = Object.fromEntries(
      CATEGORIES.map((category, i) => {
        const mean = Math.min(0.99, Math.max(0.02, (ACCURACY[label] ?? 0.5) * (1.12 - 0.035 * i)));
        return [category, { total: each, correct: Math.round(each * mean) }];
      }),
    );
    const correct = Object.values(byCategory).reduce((sum, cell) => sum + cell.correct, 0);
    const wrong = each * CATEGORIES.length - correct;
    const parts = {
      no_call: 0.16,
      wrong_function: 0.2,
      wrong_argument_name: 0.06,
      wrong_value: 0.4,
      extra_or_missing_call: 0.12,
    };
    const errors = Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, Math.round(wrong * part)]),
    );
    const rest = wrong - Object.values(errors).reduce((sum, count) => sum + count, 0);
    return {
      label,
      ref,
      total: each * CATEGORIES.length,
      correct,
      byCategory,
      errors: { ...errors, unparsable: rest },
      meanTokens: 30 + rng.uniform() * 6,
    };
  });
  const requests = [
    'Set a timer for the “lentils & rice” for 25 minutes',
    'Text <Mara> that I am running late',
    'Dim the lamps in the study to 30 %',
    'What is the capital of Peru?',
  ];
  const samples = Array.from({ length: 24 }, (_, i) => {
    const gold = call('start_timer', { minutes: 25, label: 'lentils & rice' });
    const right = Object.fromEntries(labels.map((label) => [label, rng.chance(ACCURACY[label] ?? 0.5)]));
    return {
      id: `test-${i}`,
      category: CATEGORIES[i % CATEGORIES.length] ?? 'single',
      request: requests[i % requests.length] ?? '',
      gold,
      outputs: Object.fromEntries(
        labels.map((label) => [label, right[label] === true ? gold : call('set_alarm', { time: '25' })]),
      ),
      correct: right,
    };
  });
  return { models: rows, samples };
}

function logLines(rng: Rng): string[] {
  const lines: string[] = [];
  let time = START;
  const noise = (size: number): number => rng.normal() * size;
  const push = (
    stage: string,
    kind: string,
    step: number,
    total: number,
    seconds: number,
    metrics: Record<string, number>,
  ): void => {
    time += seconds * 1000;
    const throughput = { tokens_per_second: 21_000 + noise(900), memory_mb: 640 + 40 * Math.tanh(step / 10) };
    lines.push(
      JSON.stringify({
        stage,
        kind,
        step,
        total,
        time: new Date(time).toISOString(),
        seconds,
        tokens: Math.round(seconds * 21_000),
        ...metrics,
        ...throughput,
      }),
    );
  };
  for (const [stage, from, to] of [
    ['teacher-adapt', 0.6, 0.92],
    ['rollouts', 0, 0],
    ['ckd', 0, 0],
    ['star', 0.72, 0.86],
  ] as const) {
    const total = stage === 'ckd' ? 260 : stage === 'rollouts' ? 64 : 60;
    for (let step = 1; step <= total; step++) {
      const progress = 1 - Math.exp((-3 * step) / total);
      const lr = 1e-4 * Math.min(1, step / 5) * (0.1 + 0.9 * 0.5 * (1 + Math.cos((Math.PI * step) / total)));
      if (stage === 'ckd') {
        const fkl = 0.9 * Math.exp(-4 * progress) + 0.05 + Math.abs(noise(0.02));
        const tail = 0.06 * Math.exp(-3 * progress) + Math.abs(noise(0.001));
        push(stage, 'distill', step, total, 0.9, {
          loss: fkl + 10 * tail,
          fkl,
          tail,
          teacher_mass: 0.9993 + noise(0.0001),
          grad_norm: 0.4 + 1.5 * Math.exp(-4 * progress) + Math.abs(noise(0.1)),
          lr: lr * 10,
          entropy: 0.1 + 0.2 * Math.exp(-4 * progress),
        });
      } else if (stage === 'rollouts') {
        push(stage, 'rollout', step, total, 1.4, {
          reward: 0.91 + noise(0.03),
          valid: 0.985 + noise(0.006),
          kept: 0.31 + noise(0.04),
          completion_tokens: 33 + noise(2),
          truncated: 0.002,
          exact_match: 0.9 + noise(0.03),
        });
      } else {
        const answer = from + (to - from) * progress + noise(0.03);
        push(stage, 'simrl', step, total, 2.6, {
          reward: answer - 0.05 * Math.exp(-4 * progress),
          answer_reward: answer,
          format_reward: 1 - 0.08 * Math.exp(-5 * progress),
          exact_match: answer - 0.1,
          policy_loss: noise(0.01),
          kl: 0.0006 * step + Math.abs(noise(0.0005)),
          entropy: 0.28 - 0.12 * progress + noise(0.008),
          clip_fraction: Math.abs(noise(0.004)),
          filtered: 0.35 + 0.3 * progress + noise(0.05),
          completion_tokens: 34 + noise(1.5),
          truncated: Math.abs(noise(0.004)),
          grad_norm: 0.5 + Math.abs(noise(0.15)),
          lr,
        });
      }
    }
  }
  return lines;
}

function sampleLines(): string[] {
  const prompt = (request: string): string =>
    `<|im_start|>system\n# Tools\n<tools>\n{"name": "start_timer"}\n</tools><|im_end|>\n<|im_start|>user\n${request}<|im_end|>\n<|im_start|>assistant\n<think>`;
  const lines = [];
  for (const stage of ['teacher-adapt', 'star']) {
    for (const step of [1, 60]) {
      for (const [i, reward] of [step === 1 ? -1 : 1, step === 1 ? 0.5 : 1, 0.83].entries()) {
        const generation =
          reward < 0
            ? '</think><tool_call>\n{"name": "start_tim'
            : `</think>${call('start_timer', { minutes: 5 + i })}`;
        lines.push(
          JSON.stringify({
            stage,
            step,
            id: `train-${step}-${i}`,
            prompt: prompt(`Start a timer of ${5 + i} minutes`),
            generation,
            reward,
          }),
        );
      }
    }
  }
  return lines;
}

/** Writes the folder of a finished run of recipes/<recipe>.yaml. */
export function makeFakeRun(folder: string, recipeName = 'tiny-star'): void {
  const rng = Rng.seeded(5, recipeName);
  const recipe = loadRecipe(new URL(`../../recipes/${recipeName}.yaml`, import.meta.url).pathname);
  const evaluation = recipe.stages.find((stage) => stage.kind === 'eval');
  if (evaluation === undefined) throw new Error('the recipe has no eval stage');
  mkdirSync(join(folder, 'stages', evaluation.name), { recursive: true });
  writeFileSync(join(folder, 'recipe.yaml'), formatRecipe(recipe, folder));
  writeFileSync(join(folder, 'machine.json'), JSON.stringify(MACHINE));
  writeFileSync(join(folder, 'log.jsonl'), `${logLines(rng).join('\n')}\n`);
  writeFileSync(join(folder, 'samples.jsonl'), `${sampleLines().join('\n')}\n`);
  writeFileSync(
    join(folder, 'stages', evaluation.name, 'eval.json'),
    JSON.stringify(evalResult(evaluation.models, rng)),
  );
}
