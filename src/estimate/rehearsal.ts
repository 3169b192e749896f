/**
 * A rehearsal: the beginning of every stage, really run, in a folder that is thrown away. What a recipe's own models
 * answer decides how long a run takes: how many answers are distinct, how many groups are worth learning from, how
 * long answers are. For small models that are there it costs less than guessing does harm.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { weightCount } from '../model/arch/config.ts';
import type { RunEvent } from '../train/events.ts';
import { dialoguesOf, type RehearsalSteps, stageFolder } from '../run/context.ts';
import { rehearseRecipe } from '../run/runner.ts';
import type { Recipe } from '../recipe/schema.ts';
import type { Stage } from '../stages/schema.ts';
import { mean } from './lengths.ts';
import { LARGE, type ModelShapes } from './models.ts';

/** Steps of a training stage. The first of them builds what the others only run. */
const STEPS: RehearsalSteps = { supervised: 5, reinforcement: 2 };
/**
 * How much more a stage takes later than in its beginning: graphs of more layouts are kept, and longer answers come.
 * Fitted to two runs of tiny-star.yaml, whose stages took 6 to 23% more.
 */
const GROWTH = 1.17;

/** What a stage took, scaled to all of it. */
export interface Rehearsed {
  readonly steps: number;
  readonly seconds: number;
  /** The most that the process took, in bytes. */
  readonly memory: number;
  /** Bytes that it leaves on the disk. */
  readonly disk: number;
}

/** Tells whether every model of a recipe is there and small, and nothing is asked over a network or of a benchmark. */
export function canRehearse(recipe: Recipe, models: ModelShapes): boolean {
  const isSmall = ([name, model]: [string, Recipe['models'][string]]): boolean =>
    (typeof model !== 'string' || existsSync(model)) && weightCount(models.of(name).config) <= LARGE;
  const isOwn = (stage: Stage): boolean =>
    stage.kind !== 'bfcl' &&
    stage.kind !== 'acebench' &&
    (stage.kind !== 'rollout' || (stage.teacher === undefined && stage.from === undefined));
  return Object.entries(recipe.models).every(isSmall) && recipe.stages.every(isOwn);
}

/** What a stage that only answers is asked, and in how many batches of it a rehearsal does. */
interface Asked {
  /** Prompts or problems. */
  readonly count: number;
  readonly batch: number;
  readonly rehearsed: number;
}

function askedOf(recipe: Recipe, stage: Stage): Asked | undefined {
  const dialogues = (split: 'train' | 'test'): number => dialoguesOf({ recipe }, split).length;
  const problems = (environment: string, split: 'train' | 'test' | 'transfer'): number =>
    recipe.environments?.[environment]?.[split] ?? 0;
  switch (stage.kind) {
    case 'rollout': {
      const count = Math.min(stage.prompts ?? Infinity, dialogues('train'));
      // How many answers of a prompt are kept decides how long others learn from them.
      return { count, batch: stage.rollout_batch_size, rehearsed: 3 };
    }
    case 'eval': {
      const count = Math.min(stage.limit ?? Infinity, dialogues('test'));
      return { count, batch: stage.rollout_batch_size, rehearsed: 2 };
    }
    case 'trajectories': {
      const count = Math.min(stage.problems ?? Infinity, problems(stage.environment, 'train'));
      return { count, batch: stage.rollout_batch_size, rehearsed: 1 };
    }
    case 'tool_eval': {
      // Of each split; they are of like size.
      const most = Math.max(problems(stage.environment, 'test'), problems(stage.environment, 'transfer'));
      const count = Math.min(stage.limit ?? Infinity, most);
      return { count, batch: stage.rollout_batch_size, rehearsed: 1 };
    }
    default:
      return undefined;
  }
}

/** A recipe whose stages that answer ask a few batches, and how many times as many each of them asks really. */
interface Shortened {
  readonly recipe: Recipe;
  readonly ratios: ReadonlyMap<string, number>;
}

function shorten(recipe: Recipe): Shortened {
  const ratios = new Map<string, number>();
  const stages = recipe.stages.map((stage): Stage => {
    const asked = askedOf(recipe, stage);
    if (asked !== undefined) {
      const { count, batch, rehearsed } = asked;
      const few = Math.min(count, rehearsed * batch);
      ratios.set(stage.name, Math.ceil(count / batch) / Math.ceil(few / batch));
      if (stage.kind === 'rollout') return { ...stage, prompts: few };
      if (stage.kind === 'trajectories') return { ...stage, problems: few };
      if (stage.kind === 'eval' || stage.kind === 'tool_eval') return { ...stage, limit: few };
    }
    // What learns from fewer answers goes over them more often, so that it has as many steps.
    if (stage.kind === 'sft' || stage.kind === 'distill' || stage.kind === 'dpo') {
      const ratio = ratios.get(stage.data) ?? 1;
      const { max_samples: most, max_epochs: epochs } = stage;
      return {
        ...stage,
        max_epochs: Math.max(1, Math.round(epochs * ratio)),
        ...(most === undefined ? {} : { max_samples: Math.ceil(most / ratio) }),
      };
    }
    return stage;
  });
  const { export: _export, compare: _compare, ...rest } = recipe;
  return { recipe: { ...rest, stages }, ratios };
}

function bytesIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0);
}

/** What a stage was seen to do. */
interface Seen {
  /** Steps that it says it has. */
  total: number;
  /** Seconds of each step that was taken. */
  seconds: number[];
  memory: number;
}

/** Seconds of all steps. What only the first step of supervised training does, it does once. */
function secondsOf({ seconds, total }: Seen, { kind }: Stage): number {
  const [first = 0, ...others] = seconds;
  const isAlike = kind !== 'sft' && kind !== 'distill' && kind !== 'dpo' && kind !== 'pretrain';
  if (isAlike || others.length === 0) return mean(seconds) * total;
  return first + mean(others) * Math.max(0, total - 1);
}

function note(seen: Seen, event: Extract<RunEvent, { type: 'stage' | 'step' }>): void {
  seen.total = event.total;
  if (event.type === 'stage') return;
  seen.seconds.push(event.seconds);
  seen.memory = Math.max(seen.memory, (event.metrics.memory_mb ?? 0) * 2 ** 20);
}

/** What a rehearsal cannot know of a recipe: sentences. */
export function limitsOfRehearsal({ stages }: Recipe): readonly string[] {
  const names = stages
    .filter(({ kind }) => kind === 'trajectories' || kind === 'mentor' || kind === 'tool_eval')
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    `${names.join(', ')}: at most this long, as models that have hardly been trained do not come to an end in conversations`,
  ];
}

/** Rehearses a recipe; what that says of each stage, by name. Throws UserErrors, as the run would. */
export async function rehearse(
  recipe: Recipe,
  onStage?: (stage: string) => void,
): Promise<ReadonlyMap<string, Rehearsed>> {
  const { recipe: short, ratios } = shorten(recipe);
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-rehearsal-'));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', cleanUp);
  const rehearsed = new Map<string, Rehearsed>();
  let seen: Seen = { total: 0, seconds: [], memory: 0 };
  try {
    for await (const event of rehearseRecipe(short, folder, STEPS)) {
      if (event.type === 'stage') {
        onStage?.(event.stage);
        seen = { total: event.total, seconds: [], memory: 0 };
      }
      if (event.type === 'stage' || event.type === 'step') note(seen, event);
      const stage = recipe.stages.find(({ name }) => name === event.stage);
      if (event.type !== 'done' || stage === undefined) continue;
      const ratio = ratios.get(stage.name) ?? 1;
      const beside = Math.max(0, event.seconds - seen.seconds.reduce((a, b) => a + b, 0));
      rehearsed.set(stage.name, {
        steps: Math.round(seen.total * ratio),
        seconds: beside + secondsOf(seen, stage) * ratio,
        memory: GROWTH * seen.memory,
        disk: bytesIn(join(stageFolder({ folder }, stage.name))) * ratio,
      });
    }
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
  return rehearsed;
}
