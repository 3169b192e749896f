/** Lets a model answer BFCL's entries, with the official prompts and limits; what it wrote is stored without its thoughts. */
import type { SampleOptions, Sampler } from '../../../../src/sampling/sampler.ts';
import { answersTo } from '../answers.ts';
import { Conversation } from './conversation.ts';
import { type DecodeRule, splitThought } from './decode.ts';
import type { MultiTurnEntry, SingleTurnEntry } from './entries.ts';
import { promptFunctions, renderPrompt } from './prompt.ts';

export interface BfclAskOptions extends SampleOptions {
  readonly rule: DecodeRule;
  /** Prompts end with "<think>": for models that STAR's own code trained on such prompts. The official ones do not. */
  readonly openThought: boolean;
}

export interface Answered<Entry, Result> {
  readonly entry: Entry;
  /** Undefined where a prompt filled the model's positions, so that nothing was asked. */
  readonly result: Result | undefined;
  /** Tokens that were written, thoughts included. */
  readonly tokens: number;
}

const THINK = '<think>';

/** Asks entries of one turn; answers come as they are ready. */
export async function* askSingleTurn(
  model: Sampler,
  entries: readonly SingleTurnEntry[],
  options: BfclAskOptions,
): AsyncGenerator<Answered<SingleTurnEntry, string>, void, undefined> {
  const end = options.openThought ? THINK : '';
  const prompts = entries.map(
    ({ turns, functions, category }) =>
      renderPrompt(turns[0] ?? [], promptFunctions(functions, category)) + end,
  );
  const asked = prompts.map((text) => ({ text }));
  for await (const { index, text, tokens } of answersTo(model, asked, options)) {
    const entry = entries[index];
    const result = text === undefined ? undefined : splitThought(text).text;
    if (entry !== undefined) yield { entry, result, tokens };
  }
}

/** Conversations that are under way at once; each gets an answer before any is asked again. */
const CONVERSATIONS = 64;

/** Leads entries of several turns to their ends; each comes when its last turn is over. */
export async function* askMultiTurn(
  model: Sampler,
  entries: readonly MultiTurnEntry[],
  options: BfclAskOptions,
): AsyncGenerator<Answered<MultiTurnEntry, readonly (readonly string[])[]>, void, undefined> {
  const end = options.openThought ? THINK : '';
  const waiting = [...entries];
  let active: { readonly conversation: Conversation; tokens: number; isFull: boolean }[] = [];
  for (;;) {
    const next = waiting.splice(0, CONVERSATIONS - active.length);
    active.push(
      ...next.map((entry) => ({
        conversation: new Conversation(entry, options.rule),
        tokens: 0,
        isFull: false,
      })),
    );
    if (active.length === 0) return;
    const prompts = active.map(({ conversation }) => ({ text: conversation.prompt() + end }));
    for await (const { index, text, tokens } of answersTo(model, prompts, options)) {
      const one = active[index];
      if (one === undefined) continue;
      one.isFull = text === undefined;
      one.tokens += tokens;
      if (text !== undefined) one.conversation.add(text);
      const { done, entry, result } = one.conversation;
      if (one.isFull) yield { entry, result: undefined, tokens: one.tokens };
      else if (done) yield { entry, result, tokens: one.tokens };
    }
    active = active.filter(({ conversation, isFull }) => !conversation.done && !isFull);
  }
}
