/** An environment's worked solutions as examples. */
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { commonLength } from '../model/tree/shared-prefix.ts';
import { Speech } from '../environment/speech.ts';
import type { TrainCompletion, TrainExample } from '../train/examples.ts';
import { rowsOf } from '../train/tool-rollouts.ts';
import { GROUP_LIMIT } from './lessons.ts';
import type { OpenModel, StageContext } from './stage.ts';

/** Worked solutions of several problems as one tree: what their prompts begin with in common is the shared prompt. */
function solutionsExample(
  solved: readonly { readonly ids: TokenIds; readonly tokens: TokenIds; readonly drawn: Uint8Array }[],
): TrainExample {
  // At least one token of each prompt is left over.
  const most = Math.min(...solved.map(({ ids }) => ids.length - 1));
  const [first] = solved;
  const shared = solved.reduce((length, { ids }) => commonLength(first?.ids ?? ids, ids, length), most);
  const completions = solved.map(({ ids, tokens, drawn }): TrainCompletion => {
    const own = ids.subarray(shared);
    const rows = rowsOf({ drawn }).map((row) => row + own.length);
    return { tokens: asTokenIds([...own, ...tokens]), rows, inputs: {} };
  });
  return { prompt: asTokenIds([...(first?.ids.subarray(0, shared) ?? [])]), completions };
}

/** Groups of worked solutions of an environment's training problems. Throws the signal's reason when it fires. */
export async function solutionGroups(
  context: StageContext,
  name: string,
  { tokenizer, template }: OpenModel,
  { limit, maxTokens }: { readonly limit?: number | undefined; readonly maxTokens: number },
): Promise<{ readonly examples: readonly TrainExample[]; readonly tooLong: number }> {
  using environment = await context.openEnvironment(name);
  const { host, rolloutMode } = environment;
  const speech = new Speech(tokenizer, template);
  const problems = (await environment.problems('train')).slice(0, limit);
  const examples: TrainExample[] = [];
  let tooLong = 0;
  for (let start = 0; start < problems.length; start += GROUP_LIMIT) {
    context.signal.throwIfAborted();
    const solved = [];
    for (const problem of problems.slice(start, start + GROUP_LIMIT)) {
      const { ids } = rolloutMode.prompt(speech, problem.question, host);
      if (ids.length > maxTokens) tooLong += 1;
      else solved.push({ ids, ...(await rolloutMode.worked(problem, host, speech)) });
    }
    if (solved.length > 0) examples.push(solutionsExample(solved));
  }
  return { examples, tooLong };
}
