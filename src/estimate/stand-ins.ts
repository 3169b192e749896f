/** What stands in for weights, answers and prompts while time is measured. */
import { Rng } from '../base/rng.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import { parameterSpecs, type Qwen3Config } from '../model/arch/config.ts';
import type { ParameterSet } from '../tensor/parameters.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { exampleTokens, type TrainCompletion, type TrainExample } from '../train/examples.ts';
import { objectiveOf } from '../run/objectives.ts';
import type { TrainingStage } from '../stages/schema.ts';
import type { PromptLength } from './lengths.ts';

/** Every vocabulary that is measured has twice as many. */
const SOME_IDS = 100;

/** Weights that differ from each other, quickly: the same few thousand over and over. */
export function fillWeights(config: Qwen3Config, parameters: ParameterSet): void {
  const rng = Rng.seeded(1);
  const some = Float32Array.from({ length: 65_521 }, () => 0.02 * rng.normal());
  for (const { name, shape } of parameterSpecs(config)) {
    const values = new Float32Array(sizeOf(shape)).fill(1);
    if (shape.length > 1)
      for (let at = 0; at < values.length; at += some.length)
        values.set(some.subarray(0, values.length - at), at);
    parameters.set(name, values);
  }
}

/** An example with what a stage's objective takes beside its tokens: something that it can compute with. */
export function withInputs(example: TrainExample, stage: TrainingStage): TrainExample {
  const { inputs: specs } = objectiveOf(stage);
  const inputs = (rows: number): TrainCompletion['inputs'] =>
    Object.fromEntries(
      Object.entries(specs).map(([name, { dtype, width }]) => {
        const each = width === 'groups' ? 1 : width;
        const values =
          dtype === 'i32'
            ? Int32Array.from({ length: each * rows }, (_, i) => i % each)
            : new Float32Array(each * rows).fill(-1);
        return [name, values];
      }),
    );
  return {
    prompt: example.prompt,
    completions: example.completions.map((completion) => ({
      ...completion,
      inputs: inputs(completion.rows.length),
    })),
  };
}

export const tokensIn = (examples: readonly TrainExample[]): number =>
  examples.reduce((total, example) => total + exampleTokens(example), 0);

/**
 * A prompt of `length` with the beginning that others of its tool set have too, which is computed once, and then tokens
 * that only the prompt number `index` has; at most `most` of them.
 */
export function promptOf({ tools, system, prompt }: PromptLength, index: number, most: number): TokenIds {
  const ids = new Int32Array(Math.min(prompt, most)).fill(SOME_IDS + (index % SOME_IDS));
  return asTokenIds(ids.fill(tools % SOME_IDS, 0, system));
}

/** At most `count` prompts: from the start those that share tools, as they are beside each other, else from all over. */
export function someOfAll(prompts: readonly PromptLength[], count: number): readonly PromptLength[] {
  const stride = prompts.some(({ system }) => system > 0) ? 1 : Math.max(1, prompts.length / count);
  const picked = Array.from({ length: count }, (_, i) => prompts[Math.floor(i * stride)]);
  return picked.filter((prompt) => prompt !== undefined);
}

/** As many examples from the start as have `most` tokens, at least one. */
export function someOf(examples: readonly TrainExample[], most: number): TrainExample[] {
  const taken: TrainExample[] = [];
  for (const example of examples) {
    if (taken.length > 0 && tokensIn(taken) + exampleTokens(example) > most) break;
    taken.push(example);
  }
  return taken;
}
