/** `tinystar rollouts`: lets a teacher answer a file of prompts, as a run of one stage. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../../../src/base/errors.ts';
import { isGguf, refuseAdapter } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { recipeSchema } from '../../../../src/recipe/schema.ts';
import { table } from '../../../report/src/table.ts';
import { namedByContents } from '../../../../src/run/inputs.ts';
import { addressFault, keyVariableFault, serverAddress } from '../../../../src/sampling/served/address.ts';
import { teacherSchema } from '../../../../src/sampling/served/options.ts';
import { stageKinds } from '../../../../src/stages/index.ts';
import { among, command } from '../command.ts';
import { execute } from '../execute.ts';
import { answeringFlags, choice, option, parsed, repeated, runFlags, text } from '../flags.ts';
import { keptInput } from '../inputs.ts';

const { options } = stageKinds.rollout;
const teacher = teacherSchema.shape;

/** Options of the stage, as it calls them. */
const stageFlags = {
  n_samples_per_prompt: option(options.n_samples_per_prompt, { brief: 'Answers drawn for a prompt' }),
  temperature: option(options.temperature),
  top_p: option(options.top_p),
  kd_topk: option(options.kd_topk),
  prompts: option(options.prompts),
  generate_max_len: option(options.generate_max_len),
  prompt_max_len: option(options.prompt_max_len),
  reward_threshold: option(options.reward_threshold),
  validity_filter: option(options.validity_filter),
};
/** Options of its teacher. */
const teacherFlags = {
  served: option(teacher.served),
  api_key_env: option(teacher.api_key_env),
  concurrency: option(teacher.concurrency),
  requests_per_minute: option(teacher.requests_per_minute, {
    brief: 'At most so many requests a minute at each address',
  }),
};
const recipeFlags = {
  seed: option(recipeSchema.shape.seed, { brief: 'Seed of the draws' }),
  ...answeringFlags,
};

function address(given: string): string {
  const why = addressFault(given);
  if (why !== undefined) throw new UserError('FLAG', why);
  return serverAddress(given);
}

export const rolloutsCommand = command({
  brief: "Draw a teacher's answers to prompts",
  about:
    'Lets a teacher answer the prompts of a file and keeps valid, distinct answers with the log-probabilities of the\n' +
    'likeliest tokens. Re-run the same command to resume; a recipe takes the result over with `from`.',
  examples: [
    'tinystar rollouts train.jsonl --model bases/teacher',
    'tinystar rollouts train.jsonl --model Qwen3-0.6B --teacher llama.cpp --endpoint http://localhost:8080',
  ],
  flags: {
    model: text(
      'Checkpoint that answers; of a served teacher, the student, whose tokenizer it must share',
      'DIR',
    ),
    teacher: choice(
      ['local', ...teacher.kind.options],
      'Who answers: --model, or what the endpoints speak',
      'local',
    ),
    endpoint: repeated(parsed(address, 'Address of the teacher; may be repeated', 'URL')),
    ...teacherFlags,
    ...stageFlags,
    ...recipeFlags,
    ...runFlags,
  },
  args: [{ brief: 'JSONL of dialogues or of records of data convert, or -', placeholder: 'DATA' }],
  async run(context, given, data) {
    const { model, runs, json } = given;
    const isLocal = given.teacher === 'local';
    if (isLocal !== (given.endpoint === undefined)) {
      throw new UserError(
        'FLAG',
        isLocal
          ? 'An --endpoint needs a --teacher that says what it speaks: llama.cpp, vllm, sglang or openai.'
          : `The teacher ${given.teacher} needs an --endpoint, such as http://localhost:8080.`,
      );
    }
    const why = given.api_key_env === undefined ? undefined : keyVariableFault(given.api_key_env);
    if (why !== undefined) throw new UserError('FLAG', `--api-key-env ${why}.`);
    if (isLocal) refuseAdapter(model);
    const needed = isGguf(model) ? model : join(model, isLocal ? 'config.json' : 'tokenizer.json');
    if (!existsSync(needed)) {
      throw new UserError(
        'FLAG',
        `There is no ${needed}; give with --model ${isLocal ? "the teacher's checkpoint" : "the student's folder with its tokenizer"}.`,
      );
    }
    const file = resolve(keptInput(data, runs));
    const { teacher: kind, endpoint: endpoints } = given;
    const served = isLocal ? {} : { teacher: { kind, endpoints, ...among(given, teacherFlags) } };
    const stage = {
      name: 'rollouts',
      kind: 'rollout',
      model: 'model',
      ...served,
      ...among(given, stageFlags),
    };
    const recipe = namedByContents(
      recipeSchema.parse({
        name: 'rollouts',
        ...among(given, recipeFlags),
        data: { source: 'file', train: file, test: file },
        models: { model: resolve(model) },
        stages: [stage],
      }),
    );
    await execute(context, recipe, given);
    if (json) return;
    const folder = join(runs, recipe.name, 'stages', 'rollouts', 'rollouts');
    context.process.stdout.write(table([['rollouts', folder]]));
  },
});
