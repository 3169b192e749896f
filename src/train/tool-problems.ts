/** An environment's problems as prompts. */
import { UserError } from '../base/errors.ts';
import type { TokenIds } from '../base/token-ids.ts';
import type { Problem } from '../environment/environment.ts';

export interface ToolPrompt {
  readonly problem: Problem;
  readonly text: string;
  readonly ids: TokenIds;
}

export interface ToolProblemsOptions {
  /** Whose problems they are, for errors. */
  readonly stage: string;
  readonly problems: readonly Problem[];
  /** Renders a question as a prompt. */
  readonly prompt: (question: string) => { readonly text: string; readonly ids: TokenIds };
  readonly maxTokens: number;
}

/** Renders problems as they are asked for; those over `maxTokens` are left out and counted. */
export class ToolProblems {
  readonly #options: ToolProblemsOptions;
  #tooLong = 0;

  /** Throws when there is no problem at all, or none that fits. */
  constructor(options: ToolProblemsOptions) {
    this.#options = options;
    const { stage, problems, maxTokens } = options;
    if (problems.length === 0)
      throw new UserError('NO_PROMPTS', `Stage ${stage} has no problems; check its environment.`);
    let shortest = Infinity;
    for (const problem of problems) {
      shortest = Math.min(shortest, this.#render(problem).ids.length);
      if (shortest <= maxTokens) return;
    }
    throw new UserError(
      'NO_PROMPTS',
      `Stage ${stage}: none of the ${problems.length} problems fits into ${maxTokens} tokens, the shortest has ${shortest}; raise prompt_max_len or use a model of more positions.`,
    );
  }

  #render(problem: Problem): ToolPrompt {
    return { problem, ...this.#options.prompt(problem.question) };
  }

  get length(): number {
    return this.#options.problems.length;
  }

  /** How many problems were asked for and left out, over all calls. */
  get tooLong(): number {
    return this.#tooLong;
  }

  /** The problems at these indices, without the over-long ones. */
  at(indices: readonly number[]): ToolPrompt[] {
    return indices.flatMap((index) => {
      const problem = this.#options.problems[index];
      if (problem === undefined) return [];
      const prompt = this.#render(problem);
      if (prompt.ids.length <= this.#options.maxTokens) return [prompt];
      this.#tooLong += 1;
      return [];
    });
  }
}
