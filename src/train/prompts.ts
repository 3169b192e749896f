/** Prompts for drawing answers: rendered, with what their answers are scored against. */
import { UserError } from '../base/errors.ts';
import type { Series } from '../base/series.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import { assistantTurn } from '../chat/generation.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue, type TrainingRecord } from '../data/render.ts';
import type { Qwen3Config } from '../model/arch/config.ts';
import type { Reward, Scorer } from '../rewards/reward.ts';

export interface ScoredPrompt {
  readonly id: string;
  readonly text: string;
  readonly ids: TokenIds;
  /** What it was rendered from. */
  readonly dialogue: Dialogue;
  /** Scores the text that a model writes after the prompt. */
  readonly scorer: Scorer<unknown>;
}

export interface PromptSetOptions {
  /** Whose prompts they are, for errors. */
  readonly stage: string;
  readonly dialogues: Series<Dialogue>;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly reward: Reward<unknown>;
  readonly maxTokens: number;
}

/** Renders dialogues as prompts; those over `maxTokens` are left out and counted. Rendered as they are asked for. */
export class PromptSet {
  readonly #options: PromptSetOptions;
  #tooLong = 0;

  /** Throws when there is no prompt at all that fits. */
  constructor(options: PromptSetOptions) {
    this.#options = options;
    const { stage, dialogues, maxTokens } = options;
    if (dialogues.length === 0)
      throw new UserError('NO_PROMPTS', `Stage ${stage} has no prompts; check the recipe's data.`);
    let shortest = Infinity;
    for (const dialogue of dialogues) {
      shortest = Math.min(shortest, this.#render(dialogue).promptIds.length);
      if (shortest <= maxTokens) return;
    }
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${stage}: none of the ${dialogues.length} prompts fits into ${maxTokens} tokens, the shortest has ${shortest}; raise prompt_max_len or use a model of more positions.`,
    );
  }

  #render(dialogue: Dialogue): TrainingRecord {
    return renderDialogue(dialogue, this.#options.tokenizer, this.#options.template, false);
  }

  get length(): number {
    return this.#options.dialogues.length;
  }

  /** How many prompts were asked for and left out, over all calls. */
  get tooLong(): number {
    return this.#tooLong;
  }

  /** The prompts at these indices, without the over-long ones. */
  at(indices: readonly number[]): ScoredPrompt[] {
    const { dialogues, maxTokens, reward } = this.#options;
    return indices.flatMap((index) => {
      const dialogue = dialogues.at(index);
      if (dialogue === undefined) return [];
      const { prompt, promptIds, target } = this.#render(dialogue);
      if (promptIds.length > maxTokens) {
        this.#tooLong += 1;
        return [];
      }
      const scorer = reward.prepare({
        prompt,
        label: assistantTurn(prompt, target),
        tools: dialogue.tools,
      });
      return [{ id: dialogue.id, text: prompt, ids: promptIds, dialogue, scorer }];
    });
  }
}

/** Tokens that a prompt may have: what the stage allows, and what leaves room for an answer in the model's positions. */
export function promptLimit(
  stage: string,
  lengths: { readonly prompt_max_len: number; readonly generate_max_len: number },
  config: Pick<Qwen3Config, 'maxPositions'>,
): number {
  const room = config.maxPositions - lengths.generate_max_len;
  if (room < 1) {
    throw new UserError(
      'LENGTHS',
      `Stage ${stage}: generate_max_len ${lengths.generate_max_len} leaves no room for a prompt in the model's ${config.maxPositions} positions; lower it.`,
    );
  }
  return Math.min(lengths.prompt_max_len, room);
}
