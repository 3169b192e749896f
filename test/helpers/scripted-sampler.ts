/** A model that a test makes up. */
import type { TokenIds } from '../../src/base/token-ids.ts';
import type { Sample, Stopped } from '../../src/model/generate/generation.ts';
import type { Sampler } from '../../src/sampling/sampler.ts';

export interface Asked {
  readonly samples: number;
  readonly generate_max_len: number;
  /** Tokens that a sample that stopped reads next. */
  readonly reply: (stopped: Stopped) => Promise<TokenIds | undefined>;
}

/** A sampler behind the interface of all who answer, with samples that `draw` makes of the prompts' tokens. */
export function scriptedSampler(
  draw: (prompts: readonly TokenIds[], asked: Asked) => Promise<Sample[][]>,
): Pick<Sampler, 'sample'> {
  return {
    async *sample(prompts, { n_samples_per_prompt: samples = 1, generate_max_len, reply }) {
      const ids = [...prompts].flatMap((prompt) => (prompt.ids === undefined ? [] : [prompt.ids]));
      const read = async (stopped: Stopped) => (await reply?.(stopped))?.ids;
      const drawn = await draw(ids, { samples, generate_max_len, reply: read });
      for (const [index, own] of drawn.entries())
        yield {
          index,
          samples: own.map((sample) => ({ ...sample, text: '', length: sample.tokens.length })),
        };
    },
  };
}
