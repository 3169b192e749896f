/** Lets a model answer BFCL's entries, with the official prompts and limits; what it wrote is stored without its thoughts. */
import type { SampleOptions, Sampler } from '../../../../src/sampling/sampler.ts';
import { answersTo } from '../answers.ts';
import type { Answered, AskOptions } from '../benchmark.ts';
import { Conversation } from './conversation.ts';
import { type DecodeRule, splitThought } from './decode.ts';
import type { Entry, MultiTurnEntry, SingleTurnEntry } from './entries.ts';
import { inQwensFormat, ownTemplate, promptOf } from './own-template.ts';
import { promptFunctions } from './prompt.ts';
import type { Response } from './verdicts.ts';

const THINK = '<think>';

/** Asks entries of one turn, then those of several. */
export async function* askBfcl(
  model: Sampler,
  entries: readonly Entry[],
  options: AskOptions & { readonly decode: DecodeRule },
  signal: AbortSignal,
): AsyncGenerator<Answered<Entry, Response>, void, undefined> {
  const { temperature, generate_max_len, open_thought, decode } = options;
  const sampling = { temperature, generate_max_len, signal };
  const end = open_thought ? THINK : '';
  const single = entries.flatMap((entry) => (entry.kind === 'single' ? [entry] : []));
  yield* askSingleTurn(model, single, end, sampling);
  const multi = entries.flatMap((entry) => (entry.kind === 'multi' ? [entry] : []));
  yield* askMultiTurn(model, multi, end, decode, sampling);
}

/** Asks entries of one turn; answers come as they are ready. */
async function* askSingleTurn(
  model: Sampler,
  entries: readonly SingleTurnEntry[],
  end: string,
  options: SampleOptions,
): AsyncGenerator<Answered<SingleTurnEntry, string>, void, undefined> {
  const own = ownTemplate(model);
  const tools = entries.map(({ functions, category }) => promptFunctions(functions, category));
  const asked = entries.map(({ turns }, i) => promptOf(turns[0] ?? [], tools[i] ?? [], own, end));
  for await (const { index, text, tokens } of answersTo(model, asked, options)) {
    const entry = entries[index];
    const result =
      text === undefined ? undefined : splitThought(inQwensFormat(text, tools[index] ?? [], own)).text;
    if (entry !== undefined) yield { entry, result, tokens };
  }
}

/** Conversations that are under way at once; each gets an answer before any is asked again. */
const CONVERSATIONS = 64;

/** Leads entries of several turns to their ends; each comes when its last turn is over. */
async function* askMultiTurn(
  model: Sampler,
  entries: readonly MultiTurnEntry[],
  end: string,
  rule: DecodeRule,
  options: SampleOptions,
): AsyncGenerator<Answered<MultiTurnEntry, readonly (readonly string[])[]>, void, undefined> {
  const own = ownTemplate(model);
  const waiting = [...entries];
  let active: { readonly conversation: Conversation; tokens: number; isFull: boolean }[] = [];
  for (;;) {
    const next = waiting.splice(0, CONVERSATIONS - active.length);
    active.push(
      ...next.map((entry) => ({
        conversation: new Conversation(entry, rule, own),
        tokens: 0,
        isFull: false,
      })),
    );
    if (active.length === 0) return;
    const prompts = active.map(({ conversation }) => conversation.prompt(end));
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
