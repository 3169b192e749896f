/**
 * One entry of several turns under way: what is asked next, what the calls of an answer return, and when a turn ends. A turn ends with
 * the first answer without calls; an entry is aborted in the step that is one too many.
 */
import type { ChatTemplate } from '../../../../src/chat/template.ts';
import { isDict, type PyDict } from '../../../../src/json/python.ts';
import type { Prompt } from '../../../../src/sampling/sampler.ts';
import { callBlocks, type DecodeRule, decodeStep, splitThought } from './decode.ts';
import type { MultiTurnEntry } from './entries.ts';
import { Simulation } from './multi-turn/index.ts';
import { inQwensFormat, promptOf } from './own-template.ts';
import { heldBackMessage, promptFunctions, type PromptMessage } from './prompt.ts';

/** Steps with calls that a turn may have; one more ends the entry. */
const MAX_STEPS = 20;

export class Conversation {
  readonly entry: MultiTurnEntry;
  readonly #rule: DecodeRule;
  readonly #own: ChatTemplate | undefined;
  readonly #simulation: Simulation;
  readonly #tools: readonly PyDict[];
  readonly #messages: PromptMessage[] = [];
  readonly #turns: string[][] = [];
  #steps = 0;
  #done = false;

  /** An entry from its first turn on, for a model that is asked through its own template, or as Qwen3 is. */
  constructor(entry: MultiTurnEntry, rule: DecodeRule, own?: ChatTemplate) {
    this.#own = own;
    this.entry = entry;
    this.#rule = rule;
    this.#simulation = new Simulation(entry.simulated);
    this.#tools = promptFunctions(entry.functions, entry.category);
    this.#beginTurn();
  }

  /** Tells whether nothing is left to be asked. */
  get done(): boolean {
    return this.#done;
  }

  /** Answers so far: turns of steps, without thoughts. */
  get result(): readonly (readonly string[])[] {
    return this.#turns;
  }

  /** The next prompt: see `promptOf`. */
  prompt(end = ''): Prompt {
    return promptOf(this.#messages, this.#tools, this.#own, end);
  }

  /** Takes what the model wrote, runs its calls, and goes on to the next step or turn. */
  add(answer: string): void {
    const written = inQwensFormat(answer, this.#tools, this.#own);
    const { text, reasoning } = splitThought(written);
    // Calls inside of a thought are not run, but are part of what the model reads afterwards.
    const shown = callBlocks(written).filter(isDict);
    this.#messages.push({
      role: 'assistant',
      content: shown.length > 0 ? '' : text,
      reasoning,
      calls: shown,
    });
    this.#turns.at(-1)?.push(text);
    const calls = decodeStep(text, this.#rule);
    if (calls.length === 0) {
      this.#beginTurn();
      return;
    }
    for (const content of this.#simulation.execute(calls)) this.#messages.push({ role: 'tool', content });
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) this.#done = true;
  }

  #beginTurn(): void {
    const turn = this.#turns.length;
    const asked = this.entry.turns[turn];
    if (asked === undefined) {
      this.#done = true;
      return;
    }
    const heldBack = this.entry.heldBack.get(turn);
    if (heldBack !== undefined) this.#messages.push({ role: 'user', content: heldBackMessage(heldBack) });
    this.#messages.push(...asked);
    this.#turns.push([]);
    this.#steps = 0;
  }
}
