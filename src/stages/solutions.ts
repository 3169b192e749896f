/** An environment's worked solutions as examples. */
import { Speech } from '../environment/speech.ts';
import type { TrainExample } from '../train/examples.ts';
import { joinExamples } from '../train/shared-prefix.ts';
import { rowsOf } from '../train/tool-rollouts.ts';
import { GROUP_LIMIT } from './lessons.ts';
import type { OpenModel, StageContext } from './stage.ts';

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
    const solved: TrainExample[] = [];
    for (const problem of problems.slice(start, start + GROUP_LIMIT)) {
      const { ids: prompt } = rolloutMode.prompt(speech, problem.question, host);
      if (prompt.length > maxTokens) {
        tooLong += 1;
        continue;
      }
      const { tokens, drawn } = await rolloutMode.worked(problem, host, speech);
      solved.push({ prompt, completions: [{ tokens, rows: rowsOf({ drawn }), inputs: {} }] });
    }
    // At least one token of each prompt is left over.
    const most = Math.min(...solved.map(({ prompt }) => prompt.length - 1));
    if (solved.length > 0) examples.push(joinExamples(solved, most));
  }
  return { examples, tooLong };
}
