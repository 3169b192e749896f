/** `tinystar rollouts`: lets a teacher answer a file of prompts, as a run of one stage. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildCommand } from '@stricli/core';
import { UserError } from '../../base/errors.ts';
import { isGguf, refuseAdapter } from '../../model/checkpoint/checkpoint-path.ts';
import { namedByContents } from '../../run/inputs.ts';
import type { Recipe } from '../../recipe/schema.ts';
import { recipeSchema } from '../../recipe/schema.ts';
import { addressFault, keyVariableFault, serverAddress } from '../../sampling/served/address.ts';
import type { TeacherOptions } from '../../sampling/served/options.ts';
import type { CliContext } from '../context.ts';
import { execute } from '../execute.ts';
import { debugFlag, examples, numberFrom, runsFlag, wholeNumber, thinkingFlag } from '../flags.ts';
import { keptInput } from '../kept-input.ts';
import { table } from '../../report/table.ts';

const KINDS = ['local', 'llama.cpp', 'vllm', 'sglang', 'openai'] as const;

interface Flags {
  readonly model: string;
  readonly teacher: (typeof KINDS)[number];
  readonly endpoint?: readonly string[];
  readonly served?: string;
  readonly apiKeyEnv?: string;
  readonly concurrency: number;
  readonly requestsPerMinute?: number;
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topk: number;
  readonly prompts?: number;
  readonly maxTokens: number;
  readonly maxPromptTokens: number;
  readonly rewardThreshold?: number;
  readonly validityFilter: boolean;
  readonly seed: number;
  readonly device: string;
  readonly thinking?: 'on' | 'off';
  readonly runs: string;
  readonly json: boolean;
  readonly debug: boolean;
}

type RecipeFlags = Omit<Flags, 'runs' | 'json' | 'debug'>;

function teacherOf(flags: RecipeFlags): Partial<TeacherOptions> | undefined {
  const {
    teacher: kind,
    endpoint: endpoints = [],
    served,
    apiKeyEnv,
    concurrency,
    requestsPerMinute,
  } = flags;
  if (kind === 'local') return undefined;
  return {
    kind,
    endpoints: [...endpoints],
    concurrency,
    ...(served === undefined ? {} : { served }),
    ...(apiKeyEnv === undefined ? {} : { api_key_env: apiKeyEnv }),
    ...(requestsPerMinute === undefined ? {} : { requests_per_minute: requestsPerMinute }),
  };
}

/** A recipe that draws rollouts and does nothing else. */
function rolloutsRecipe(flags: RecipeFlags, data: string): Recipe {
  const file = resolve(data);
  const model = resolve(flags.model);
  const teacher = teacherOf(flags);
  const stage = {
    name: 'rollouts',
    kind: 'rollout',
    model: 'model',
    ...(teacher === undefined ? {} : { teacher }),
    ...(flags.prompts === undefined ? {} : { prompts: flags.prompts }),
    n_samples_per_prompt: flags.samples,
    temperature: flags.temperature,
    top_p: flags.topP,
    kd_topk: flags.topk,
    generate_max_len: flags.maxTokens,
    prompt_max_len: flags.maxPromptTokens,
    validity_filter: flags.validityFilter,
    ...(flags.rewardThreshold === undefined ? {} : { reward_threshold: flags.rewardThreshold }),
  };
  return namedByContents(
    recipeSchema.parse({
      name: 'rollouts',
      seed: flags.seed,
      device: flags.device,
      ...(flags.thinking === undefined ? {} : { thinking: flags.thinking }),
      data: { source: 'file', train: file, test: file },
      models: { model },
      stages: [stage],
    }),
  );
}

async function rollouts(this: CliContext, flags: Flags, data: string): Promise<void> {
  const isLocal = flags.teacher === 'local';
  if (isLocal !== ((flags.endpoint ?? []).length === 0)) {
    throw new UserError(
      'FLAG',
      isLocal
        ? 'An --endpoint needs a --teacher that says what it speaks: llama.cpp, vllm, sglang or openai.'
        : `The teacher ${flags.teacher} needs an --endpoint, such as http://localhost:8080.`,
    );
  }
  const why = flags.apiKeyEnv === undefined ? undefined : keyVariableFault(flags.apiKeyEnv);
  if (why !== undefined) throw new UserError('FLAG', `--api-key-env ${why}.`);
  if (isLocal) refuseAdapter(flags.model);
  const file = isLocal ? 'config.json' : 'tokenizer.json';
  const needed = isGguf(flags.model) ? flags.model : join(flags.model, file);
  if (!existsSync(needed)) {
    throw new UserError(
      'FLAG',
      `There is no ${needed}; give with --model ${isLocal ? "the teacher's checkpoint" : "the student's folder with its tokenizer"}.`,
    );
  }
  const recipe = rolloutsRecipe(flags, keptInput(data, flags.runs));
  await execute(this, recipe, { runsDir: flags.runs, json: flags.json });
  if (flags.json) return;
  const folder = join(flags.runs, recipe.name, 'stages', 'rollouts', 'rollouts');
  this.process.stdout.write(table([['rollouts', folder]]));
}

/** A parser of numbers above 0, and at most `most`. */
function share(most: number): (text: string) => number {
  return (text) => {
    const value = numberFrom(0)(text);
    if (value === 0 || value > most)
      throw new UserError('FLAG', `must be a number above 0${most < Infinity ? ` and at most ${most}` : ''}`);
    return value;
  };
}

function reward(text: string): number {
  const value = numberFrom(-1)(text);
  if (value > 1) throw new UserError('FLAG', 'must be a reward, a number from -1 to 1');
  return value;
}

function address(text: string): string {
  const why = addressFault(text);
  if (why !== undefined) throw new UserError('FLAG', why);
  return serverAddress(text);
}

const parsed = { kind: 'parsed' } as const;
const optional = { kind: 'parsed', optional: true } as const;
const count = (brief: string, number: string) =>
  ({ ...parsed, parse: wholeNumber(1), brief, default: number, placeholder: 'N' }) as const;

export const rolloutsCommand = buildCommand<Flags, [string], CliContext>({
  func: rollouts,
  parameters: {
    flags: {
      model: {
        ...parsed,
        parse: String,
        brief: 'Checkpoint that answers; of a served teacher, the student, whose tokenizer it must share',
        placeholder: 'DIR',
      },
      teacher: {
        kind: 'enum',
        values: KINDS,
        brief: 'Who answers: --model, or what the endpoints speak',
        default: 'local',
      },
      endpoint: {
        ...optional,
        parse: address,
        variadic: true,
        brief: 'Address of the teacher; may be repeated',
        placeholder: 'URL',
      },
      served: { ...optional, parse: String, brief: "The model's name at the endpoints", placeholder: 'NAME' },
      apiKeyEnv: {
        ...optional,
        parse: String,
        brief: 'Environment variable with the API key',
        placeholder: 'NAME',
      },
      concurrency: count('Requests under way at each endpoint', '8'),
      requestsPerMinute: {
        ...optional,
        parse: share(Infinity),
        brief: 'At most so many at each endpoint',
        placeholder: 'X',
      },
      samples: count('Answers drawn for a prompt', '8'),
      temperature: {
        ...parsed,
        parse: share(Infinity),
        brief: 'Divides the logits before a token is drawn',
        default: '1',
        placeholder: 'X',
      },
      topP: {
        ...parsed,
        parse: share(1),
        brief: 'Draw from the smallest set of tokens with this mass',
        default: '1',
        placeholder: 'X',
      },
      topk: count('Log-probabilities a token that are stored', '100'),
      prompts: {
        ...optional,
        parse: wholeNumber(1),
        brief: 'Use at most this many prompts',
        placeholder: 'N',
      },
      maxTokens: count('Longest answer', '512'),
      maxPromptTokens: count('Longer prompts are left out', '5120'),
      rewardThreshold: {
        ...optional,
        parse: reward,
        brief: 'Keep answers with at least this Sim-RL reward',
        placeholder: 'X',
      },
      validityFilter: { kind: 'boolean', brief: 'Keep well-formed, finished answers only', default: true },
      seed: {
        ...parsed,
        parse: wholeNumber(0),
        brief: 'Seed of the draws',
        default: '1',
        placeholder: 'N',
      },
      device: { ...parsed, parse: String, brief: 'cpu, gpu or a name', default: 'cpu', placeholder: 'NAME' },
      thinking: thinkingFlag,
      runs: runsFlag,
      json: { kind: 'boolean', brief: 'Print events as JSON lines', default: false, withNegated: false },
      debug: debugFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'JSONL of dialogues or of records of data convert, or -',
          parse: String,
          placeholder: 'DATA',
        },
      ],
    },
  },
  docs: {
    brief: "Draw a teacher's answers to prompts",
    fullDescription: examples(
      'Lets a teacher answer the prompts of a file and keeps valid, distinct answers with the log-probabilities of the\n' +
        'likeliest tokens. The same command goes on where it was; a recipe takes the result over with `from`.',
      'tinystar rollouts train.jsonl --model bases/teacher',
      'tinystar rollouts train.jsonl --model Qwen3-0.6B --teacher llama.cpp --endpoint http://localhost:8080',
    ),
  },
});
