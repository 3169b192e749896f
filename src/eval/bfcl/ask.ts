/** Lets a model answer BFCL's entries, with the official prompts and limits; what it wrote is stored without its thoughts. */
import type { AnsweringModel, AskOptions } from '../models.ts';
import { splitThought } from './decode.ts';
import type { SingleTurnEntry } from './entries.ts';
import { promptFunctions, renderPrompt } from './prompt.ts';

/** The official settings; a model with less room answers in what is left. */
export const OFFICIAL = { temperature: 0.001, maxTokens: 4096 } as const;

export interface BfclAskOptions extends AskOptions {
  /** Prompts end with "<think>": for models that were trained on prompts which do. The official ones do not. */
  readonly openThought: boolean;
}

export interface Answered<Entry, Result> {
  readonly entry: Entry;
  readonly result: Result;
  /** Tokens that were written, thoughts included. */
  readonly tokens: number;
}

const THINK = '<think>';

/** What is asked of a model at the end of a conversation. */
export function promptEnd({ openThought }: BfclAskOptions): string {
  return openThought ? THINK : '';
}

/** Asks entries of one turn; answers come as they are ready. A prompt that fills the model's positions is answered with "". */
export async function* askSingleTurn(
  model: AnsweringModel,
  entries: readonly SingleTurnEntry[],
  options: BfclAskOptions,
): AsyncGenerator<Answered<SingleTurnEntry, string>, void, undefined> {
  const prompts = entries.map(
    ({ turns, functions, category }) =>
      renderPrompt(turns[0] ?? [], promptFunctions(functions, category)) + promptEnd(options),
  );
  for await (const { index, text, tokens } of model.complete(prompts, options)) {
    const entry = entries[index];
    if (entry !== undefined) yield { entry, result: splitThought(text).text, tokens };
  }
}
