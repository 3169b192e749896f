/** The environments of a recipe at work, and what stages learn from them. */
import { UserError } from '../base/errors.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { WrittenCall } from '../chat/generation.ts';
import type { EnvironmentHost, Problem, Split } from '../environment/environment.ts';
import { DEFAULT_LIMITS } from '../environment/environment.ts';
import { openEnvironment } from '../environment/load.ts';
import { agentManner, CONVERSATION, type Manner } from '../environment/manner.ts';
import { Speech } from '../environment/speech.ts';
import { callsAnywhere } from '../environment/turn.ts';
import type { TrainCompletion, TrainExample } from '../train/examples.ts';
import { rowsOf } from '../train/tool-rollouts.ts';
import { readTrajectories, type StoredTrajectories } from '../train/trajectory-store.ts';
import type { StageOf } from '../stages/schema.ts';
import { type OpenModel, type RunContext, trajectoryFolder } from './context.ts';
import { GROUP_LIMIT, learnable, type LearningData, pending } from './examples.ts';

/** Puts an environment of the recipe to work. */
export async function openHost({ recipe }: RunContext, name: string): Promise<EnvironmentHost> {
  const source = recipe.environments?.[name];
  if (source === undefined)
    throw new UserError('ENVIRONMENT', `The recipe has no environment ${name}; add it under environments.`);
  if (source.source !== 'module') return openEnvironment(source);
  const { path, trusted, time_limit: seconds, memory_limit: memoryMb, result_limit: resultChars } = source;
  const limits = { ...DEFAULT_LIMITS, timeMs: 1000 * seconds, memoryMb, resultChars };
  return openEnvironment({ source: 'module', path, trusted, limits });
}

/** How models go about an environment's problems. */
export function mannerOf({ recipe }: Pick<RunContext, 'recipe'>, name: string): Manner {
  const source = recipe.environments?.[name];
  return source?.manner === 'agent' ? agentManner(source.max_tries) : CONVERSATION;
}

/** The problems of a split, as many as the recipe says. */
export async function problemsOf(
  { recipe }: RunContext,
  host: EnvironmentHost,
  name: string,
  split: Split,
): Promise<readonly Problem[]> {
  const source = recipe.environments?.[name];
  const problems = await host.problems({ split, seed: source?.seed ?? 0, count: source?.[split] ?? 0 });
  if (problems.length === 0)
    throw new UserError(
      'NO_PROMPTS',
      `The environment ${name} has no ${split} problem; correct its module or raise its ${split}.`,
    );
  return problems;
}

export const speechOf = ({ tokenizer, template }: OpenModel): Speech => new Speech(tokenizer, template);

/** The kept conversations of a trajectories stage. */
export function trajectoriesOf(
  run: RunContext,
  name: string,
  { tokenizer }: OpenModel,
): StoredTrajectories[] {
  return readTrajectories(trajectoryFolder(run, name), tokenizer.fingerprint());
}

/** The calls of each problem's reference trajectory: the first that was kept. */
export function referenceCalls(
  stored: readonly StoredTrajectories[],
  { tokenizer }: OpenModel,
): Map<string, readonly WrittenCall[]> {
  return new Map(
    stored.flatMap(({ id, samples: [first] }) => {
      if (first === undefined) return [];
      const words = first.rows.map((row) => first.tokens[row] ?? 0);
      return [[id, callsAnywhere(tokenizer.decode(words))]];
    }),
  );
}

/** A teacher's conversations, each problem's as one tree; what functions returned does not count. */
export function trajectoryData(run: RunContext, stage: StageOf<'sft'>, model: OpenModel): LearningData {
  const { reward_threshold: threshold = -Infinity } = stage;
  const stored = trajectoriesOf(run, stage.data, model)
    .map((one) => ({ ...one, samples: one.samples.filter(({ correct }) => Number(correct) >= threshold) }))
    .filter(({ samples }) => samples.length > 0);
  if (stored.length === 0) {
    throw new UserError(
      'NO_EXAMPLES',
      `Stage ${stage.name} has nothing to learn from: no conversation of ${stage.data} is right (reward_threshold); train its model first, or draw more.`,
    );
  }
  const fitting = stored.filter(({ prompt }) => prompt.length <= stage.prompt_max_len);
  let left = stage.max_samples ?? Infinity;
  const examples = fitting.flatMap(({ prompt, samples }) => {
    const used = samples.slice(0, left);
    left -= used.length;
    const completions = used.map(({ tokens, rows }) => ({ tokens, rows, inputs: {} }));
    return completions.length === 0 ? [] : [pending({ prompt, completions })];
  });
  return learnable(stage.name, examples, stored.length - fitting.length);
}

/** How many leading ids all lists have in common; at least one of each is left over. */
function commonLength(lists: readonly TokenIds[]): number {
  const [first = asTokenIds([]), ...rest] = lists;
  const most = Math.min(...lists.map(({ length }) => length - 1));
  let length = 0;
  while (length < most && rest.every((list) => list[length] === first[length])) length += 1;
  return length;
}

/** Worked solutions of several problems as one tree: what their prompts begin with in common is the shared prompt. */
function solutionsExample(
  solved: readonly { readonly ids: TokenIds; readonly tokens: TokenIds; readonly drawn: Uint8Array }[],
): TrainExample {
  const shared = commonLength(solved.map(({ ids }) => ids));
  const completions = solved.map(({ ids, tokens, drawn }): TrainCompletion => {
    const own = ids.subarray(shared);
    const rows = rowsOf({ drawn }).map((row) => row + own.length);
    return { tokens: asTokenIds([...own, ...tokens]), rows, inputs: {} };
  });
  return { prompt: asTokenIds([...(solved[0]?.ids.subarray(0, shared) ?? [])]), completions };
}

interface Lessons {
  readonly examples: readonly TrainExample[];
  readonly tooLong: number;
}

/** Groups of worked solutions of an environment's training problems. Throws the signal's reason when it fires. */
async function solutionGroups(
  run: RunContext,
  name: string,
  model: OpenModel,
  { limit, maxTokens }: { readonly limit: number | undefined; readonly maxTokens: number },
): Promise<Lessons> {
  using host = await openHost(run, name);
  const speech = speechOf(model);
  const manner = mannerOf(run, name);
  const problems = (await problemsOf(run, host, name, 'train')).slice(0, limit);
  const examples: TrainExample[] = [];
  let tooLong = 0;
  for (let start = 0; start < problems.length; start += GROUP_LIMIT) {
    run.signal.throwIfAborted();
    const solved = [];
    for (const problem of problems.slice(start, start + GROUP_LIMIT)) {
      const { ids } = manner.prompt(speech, problem.question, host);
      if (ids.length > maxTokens) tooLong += 1;
      else solved.push({ ids, ...(await manner.worked(problem, host, speech)) });
    }
    if (solved.length > 0) examples.push(solutionsExample(solved));
  }
  return { examples, tooLong };
}

/** The worked solutions of an environment, for supervised learning. */
export async function solutionData(
  run: RunContext,
  stage: StageOf<'sft'>,
  model: OpenModel,
): Promise<LearningData> {
  const options = { limit: stage.max_samples, maxTokens: stage.prompt_max_len };
  const { examples, tooLong } = await solutionGroups(run, stage.data, model, options);
  return learnable(stage.name, examples.map(pending), tooLong);
}

/** The worked solutions that a mixture names, by environment; throws when all of one are too long. */
export async function mixtureSolutions(
  run: RunContext,
  stage: StageOf<'pretrain'>,
  model: OpenModel,
): Promise<Map<string, readonly TrainExample[]>> {
  const names = new Set(stage.mixture.flatMap(({ environment }) => environment ?? []));
  const options = { limit: undefined, maxTokens: stage.prompt_max_len };
  const groups = new Map<string, readonly TrainExample[]>();
  for (const name of names) {
    const { examples, tooLong } = await solutionGroups(run, name, model, options);
    learnable(stage.name, examples.map(pending), tooLong);
    groups.set(name, examples);
  }
  return groups;
}
