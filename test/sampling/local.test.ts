/** A local teacher's answers to prompts that begin alike, against scores of each prompt by itself. */
import { expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { asTokenIds, type TokenIds } from '../../src/base/token-ids.ts';
import { OWN_TEMPLATE } from '../../src/chat/template.ts';
import type { Tokenizer } from '../../src/chat/tokenizer.ts';
import { Device } from '../../src/ggml/device.ts';
import { Scorer } from '../../src/model/tree/scoring.ts';
import { Local } from '../../src/sampling/local.ts';
import type { Drawn } from '../../src/sampling/sampler.ts';
import { type Question, Teacher } from '../../src/sampling/teacher.ts';
import { goldenConfig, goldenWeights } from '../helpers/golden.ts';
import { keep } from '../helpers/keep.ts';
import { told } from '../helpers/served-teacher.ts';
import { expectClose, TOLERANCES } from '../helpers/tolerances.ts';

const device = keep(Device.open('cpu', 1));
const weights = keep(goldenWeights(device));
const scorer = keep(new Scorer(device, goldenConfig, weights));

const TOP_K = 5;
const rng = Rng.seeded(3);
const ids = (length: number): TokenIds =>
  asTokenIds(Int32Array.from({ length }, () => rng.below(goldenConfig.vocabSize)));
const after = (start: TokenIds, length: number): TokenIds => asTokenIds([...start, ...ids(length)]);
// The teacher needs to know no more of a tokenizer than how to show tokens, and which one ends an answer.
const tokenizer = { decode: (tokens: TokenIds) => tokens.join(' '), eosId: 1 } as unknown as Tokenizer;

test('the distributions of a prompt’s answers do not depend on which prompts it is asked with', async () => {
  const [tools, others] = [ids(40), ids(30)];
  const prompts = [after(tools, 5), after(tools, 9), tools, after(others, 7)];
  const questions = prompts.map((prompt, position) => ({ position, ids: prompt }) as Question);
  const template = OWN_TEMPLATE;
  using model = new Local(device, { name: 'golden', config: goldenConfig, weights, tokenizer, template });
  const teacher = new Teacher(model, {
    temperature: 1,
    generate_max_len: 12,
    n_samples_per_prompt: 3,
    kd_topk: TOP_K,
    seed: 4,
  });
  // Of the second prompt nothing is kept, of the others one answer or two.
  const select = ({ position }: Question, drafts: readonly Drawn[]) =>
    drafts.slice(0, [2, 0, 1, 2][position]);
  const answered = await told(teacher, [{ number: 0, questions }], undefined, select);
  expect(answered.map(({ kept }) => kept.length)).toEqual([2, 0, 1, 2]);
  for (const { question, kept } of answered) {
    if (kept.length === 0) continue;
    const completions = kept.map(({ tokens }) => tokens);
    const [wanted] = await scorer.score([{ prompt: question.ids, completions }], { topK: TOP_K });
    kept.forEach(({ logprobs, top }, s) => {
      const { logprobs: own, topIds, topLogprobs } = wanted![s]!;
      expectClose(logprobs, own, TOLERANCES.normalised, 'log-probabilities');
      expect(top.ids).toEqual(topIds);
      expectClose(top.logprobs, topLogprobs, TOLERANCES.normalised, 'top log-probabilities');
    });
  }
});
