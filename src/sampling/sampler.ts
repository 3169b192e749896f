/**
 * Whoever answers prompts, behind one interface: a checkpoint on a device of this machine (local.ts), a GGUF file in
 * llama.cpp's own engine (gguf.ts), or a server (served/). Rollouts, conversations with functions, evaluations and
 * benchmarks all ask through it. Options have their published names.
 */
import { UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Message, Tool } from '../chat/messages.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { CallRules } from '../../packages/constrain/src/calls.ts';
import type { Device } from '../ggml/device.ts';
import type { GenerateOptions, Sample, Stopped } from '../model/generate/generation.ts';
import type { ScoredCompletion, ScoreOptions } from '../model/tree/scoring.ts';
import type { PromptTree } from '../model/tree/tree.ts';
import type { TopRows } from '../topk/format.ts';
import type { Notices } from './notices.ts';

/** Prompt to be answered: a whole text or its tokens, a conversation, or both, for servers that render conversations themselves. */
export interface Prompt {
  /** Special tokens included, up to where the answer begins. */
  readonly text?: string;
  /** Tokens of `text`; encoded when they are needed if they are not given. */
  readonly ids?: TokenIds;
  readonly messages?: readonly Message[];
  readonly tools?: readonly Tool[];
  /** Rules that calls obey, of local models whose calls are JSON; others write what they like. */
  readonly rules?: CallRules;
  /** Its place among all prompts of a task, which a server's seeds go by; its index in the call without it. */
  readonly position?: number;
}

export interface SamplingOptions extends Pick<
  GenerateOptions,
  'top_p' | 'top_k' | 'generate_max_len' | 'n_samples_per_prompt'
> {
  /** Divides the logits; 0 is greedy. */
  readonly temperature: number;
  /** Local models draw from (seed, index of the prompt, sample). Without one a server chooses its own. */
  readonly seed?: number;
}

export function samplingOf(options: Omit<Required<SamplingOptions>, 'seed'>): SamplingOptions {
  const { temperature, top_p, top_k, generate_max_len, n_samples_per_prompt } = options;
  return { temperature, top_p, top_k, generate_max_len, n_samples_per_prompt };
}

/** Reply that a completion reads next which has ended its turn: its tokens, and the turn and its results as messages. */
export interface Reply {
  readonly ids: TokenIds;
  readonly messages: readonly Message[];
}

export interface SampleOptions extends SamplingOptions, Pick<GenerateOptions, 'batch' | 'signal'> {
  /** Log-probabilities a token that come with the samples, where whoever answers `givesTopK` with them. */
  readonly kd_topk?: number;
  /** Default: true. */
  readonly skip_special_tokens?: boolean;
  /** For prompts that are conversations: false closes the thought at once, where template or server can do that. */
  readonly enable_thinking?: boolean;
  /** For prompts that are conversations, of local models: they end with "<think>", and what is answered begins so. */
  readonly open_thought?: boolean;
  /** Reply from which a sample goes on that came to its end of turn; undefined ends it there. */
  readonly reply?: (stopped: Stopped) => Promise<Reply | undefined>;
}

/** One sample. Of servers that tell text alone, and where no tokenizer is known, there are no tokens. */
export interface Drawn extends Sample {
  readonly text: string;
  /** Tokens that were written, also where their ids are not known. */
  readonly length: number;
  /** Of `tokens`, the k likeliest at each; not of local models, which `score`. */
  readonly top?: TopRows;
}

export interface Answer {
  readonly index: number;
  readonly samples: readonly Drawn[];
  /** Why there are no samples: the prompt leaves no room, or a server does not answer it, however often it is asked. */
  readonly failure?: string;
  /** The prompt alone fills the context, so nothing was asked. */
  readonly isFull?: boolean;
}

export interface Sampler extends Disposable {
  readonly name: string;
  /** Changes when other answers are to be expected: other weights, another model on the server. */
  readonly identity: string;
  /** Device that computes it, where that is one of this program's devices. */
  readonly device?: Device;
  /** Chat template that its prompts are written in, where it is on this machine. */
  readonly template?: ChatTemplate;
  /** Messages to the user while it works; undefined where nobody is waited for. */
  readonly notices?: Notices;
  /** Tells whether a teacher's distributions can be had: by `score`, or with the samples themselves. */
  readonly givesTopK: boolean;
  /** Names of the models that answer at a server, after `check`. */
  readonly served?: string;
  /** Answers prompts, each as soon as all of its samples are finished. Throws a UserError when nobody answers any more. */
  sample(prompts: Iterable<Prompt>, options: SampleOptions): AsyncGenerator<Answer, void, undefined>;
  /** Scores completions under the full softmax at temperature 1, in the trees' order. */
  score?(trees: readonly PromptTree[], options: ScoreOptions): Promise<ScoredCompletion[][]>;
  /** Makes sure that a student can learn from it, and returns what the user should know; throws a UserError if it cannot. */
  check?(options: SampleOptions): Promise<readonly string[]>;
}

/** Samples of every prompt, in the prompts' order; of one that is not answered `onFailure` hears, or a UserError is thrown. */
export async function sampleAll(
  sampler: Pick<Sampler, 'sample'>,
  prompts: readonly Prompt[],
  options: SampleOptions,
  onFailure = (_index: number, why: string): void => {
    throw new UserError('NOT_ANSWERED', `A prompt is not answered: ${why}.`);
  },
): Promise<(readonly Drawn[])[]> {
  const all: (readonly Drawn[])[] = prompts.map(() => []);
  for await (const { index, samples, failure } of sampler.sample(prompts, options)) {
    if (failure !== undefined) onFailure(index, failure);
    all[index] = samples;
  }
  return all;
}
