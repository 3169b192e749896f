/** Prompts for drawing answers: dialogues with what their answers are scored against, and problems of an environment. */
import { required, UserError } from '../base/errors.ts';
import type { Series } from '../data/dialogues.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import { assistantTurn } from '../chat/generation.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import type { Problem } from '../../packages/environments/src/environment.ts';
import type { ModelConfig } from '../model/arch/config.ts';
import type { Reward, Scorer } from '../rewards/reward.ts';
import type { Prompt } from '../sampling/sampler.ts';

interface Rendered extends Prompt {
  readonly text: string;
  readonly ids: TokenIds;
}

/** A tokenizer with the chat template that it is spoken through. */
export interface Speaking {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

interface PromptsOf {
  readonly stage: string;
  readonly what: 'prompts' | 'problems';
  readonly maxTokens: number;
}

/** Items that are rendered as prompts when they are asked for; those over `maxTokens` are left out and counted. */
export class Prompts<P extends Rendered> {
  readonly length: number;
  readonly #render: (index: number) => P;
  readonly #maxTokens: number;
  #tooLong = 0;

  /** Throws a UserError when there is none at all, or none that fits. */
  constructor({ stage, what, maxTokens }: PromptsOf, length: number, render: (index: number) => P) {
    this.length = length;
    this.#render = render;
    this.#maxTokens = maxTokens;
    const source = what === 'prompts' ? "the recipe's data" : 'its environment';
    if (length === 0) throw new UserError('NO_PROMPTS', `Stage ${stage} has no ${what}; check ${source}.`);
    let shortest = Infinity;
    for (let i = 0; i < length; i++) {
      shortest = Math.min(shortest, render(i).ids.length);
      if (shortest <= maxTokens) return;
    }
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${stage}: none of the ${length} ${what} fits into ${maxTokens} tokens, the shortest has ${shortest}; raise prompt_max_len or use a model of more positions.`,
    );
  }

  /** Number of those that were asked for and left out, over all calls. */
  get tooLong(): number {
    return this.#tooLong;
  }

  /** The prompts at these indices, without the over-long ones. */
  at(indices: readonly number[]): P[] {
    const all = indices.map(this.#render);
    const fitting = all.filter(({ ids }) => ids.length <= this.#maxTokens);
    this.#tooLong += all.length - fitting.length;
    return fitting;
  }
}

export interface ScoredPrompt extends Rendered {
  readonly id: string;
  readonly dialogue: Dialogue;
  readonly scorer: Scorer<unknown>;
}

/** Dialogues as prompts whose answers `reward` scores. */
export function scoredPrompts(
  options: Omit<PromptsOf, 'what'> &
    Speaking & { readonly dialogues: Series<Dialogue>; readonly reward: Reward<unknown> },
): Prompts<ScoredPrompt> {
  const { dialogues, tokenizer, template, reward } = options;
  return new Prompts({ ...options, what: 'prompts' }, dialogues.length, (index) => {
    const dialogue = required(dialogues.at(index), 'a dialogue');
    const { prompt: text, promptIds: ids, target } = renderDialogue(dialogue, tokenizer, template, false);
    let scorer: Scorer<unknown> | undefined;
    return {
      id: dialogue.id,
      text,
      ids,
      dialogue,
      // Made when it is used: a prompt that is too long is never scored.
      get scorer() {
        scorer ??= reward.prepare({
          prompt: text,
          label: assistantTurn(text, target, template.format),
          tools: dialogue.tools,
          format: template.format,
        });
        return scorer;
      },
    };
  });
}

export interface ToolPrompt extends Rendered {
  readonly problem: Problem;
}

/** An environment's problems as prompts, rendered by `prompt`. */
export function toolPrompts(
  stage: string,
  problems: readonly Problem[],
  maxTokens: number,
  prompt: (question: string) => Rendered,
): Prompts<ToolPrompt> {
  return new Prompts({ stage, what: 'problems', maxTokens }, problems.length, (index) => {
    const problem = required(problems[index], 'a problem');
    return { problem, ...prompt(problem.question) };
  });
}

/** Tokens that a prompt may have: what the stage allows, and what leaves room for an answer in the model's positions. */
export function promptLimit(
  stage: string,
  lengths: { readonly prompt_max_len: number; readonly generate_max_len: number },
  config: Pick<ModelConfig, 'contextLength'>,
): number {
  const room = config.contextLength - lengths.generate_max_len;
  if (room < 1)
    throw new UserError(
      'LENGTHS',
      `Stage ${stage}: generate_max_len ${lengths.generate_max_len} leaves no room for a prompt in the model's ${config.contextLength} positions; lower it.`,
    );
  return Math.min(lengths.prompt_max_len, room);
}
