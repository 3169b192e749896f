/** Prompts for drawing answers: rendered, with what their answers are scored against. */
import { UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Dialogue } from '../chat/messages.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { renderDialogue } from '../data/render.ts';
import type { Reward, Scorer } from '../reward/reward.ts';

export interface ScoredPrompt {
  readonly id: string;
  readonly text: string;
  readonly ids: TokenIds;
  /** Scores the text that a model writes after the prompt. */
  readonly scorer: Scorer<unknown>;
}

/** Renders dialogues as prompts; those over `maxTokens` are left out and counted. Rendered as they are asked for. */
export class PromptSet {
  readonly #dialogues: readonly Dialogue[];
  readonly #tokenizer: Tokenizer;
  readonly #template: string;
  readonly #reward: Reward<unknown>;
  readonly #maxTokens: number;
  #tooLong = 0;

  constructor(options: {
    dialogues: readonly Dialogue[];
    tokenizer: Tokenizer;
    template: string;
    reward: Reward<unknown>;
    maxTokens: number;
  }) {
    if (options.dialogues.length === 0)
      throw new UserError('NO_PROMPTS', "The training data has no prompts; check the recipe's data.");
    this.#dialogues = options.dialogues;
    this.#tokenizer = options.tokenizer;
    this.#template = options.template;
    this.#reward = options.reward;
    this.#maxTokens = options.maxTokens;
  }

  get length(): number {
    return this.#dialogues.length;
  }

  /** How many prompts were asked for and left out, over all calls. */
  get tooLong(): number {
    return this.#tooLong;
  }

  /** The prompts at these indices, without the over-long ones. */
  at(indices: readonly number[]): ScoredPrompt[] {
    return indices.flatMap((index) => {
      const dialogue = this.#dialogues[index];
      if (dialogue === undefined) return [];
      const record = renderDialogue(dialogue, this.#tokenizer, this.#template);
      if (record.promptIds.length > this.#maxTokens) {
        this.#tooLong += 1;
        return [];
      }
      const task = { prompt: record.prompt, label: record.target, tools: dialogue.tools };
      return [
        { id: dialogue.id, text: record.prompt, ids: record.promptIds, scorer: this.#reward.prepare(task) },
      ];
    });
  }
}
