/** Comparing of a runtime's answer with tinystar's own to the same case, and a class for each difference. */
import type { ToolFormat } from '../../../src/chat/formats/format.ts';
import { afterThink } from '../../../src/chat/generation.ts';
import type { ExactCall, Tool } from '../../../src/chat/messages.ts';
import { callsOfTurn } from '../../environments/src/turn.ts';
import { fromJson } from '../../../src/json/python.ts';
import { callKey, type Gold, judge, without } from '../../../src/rewards/exact.ts';
import type { Told } from './runtime.ts';

/** Classes of differences: of a case the first that holds, from the top. */
export const CLASSES = {
  template: 'its prompt is another text than tinystar makes of the same conversation',
  lost: 'it hands over fewer calls than stand in what its model wrote (of one that does not show that: than tinystar gets)',
  tokenizer: 'the same prompt is other tokens to it',
  malformed: 'its model wrote a call that cannot be read, or it answers with a fault',
  wrong: 'all that it shows is as with tinystar, and its model makes other calls',
} as const;

export type DifferenceClass = keyof typeof CLASSES;

/** Classes that fail a check by themselves. */
export const FAILING: readonly DifferenceClass[] = ['template', 'lost'];

/** Tells whether a difference fails a check: by its class, or because there are fewer calls than tinystar's engine makes. */
export const fails = (
  found: DifferenceClass,
  ours: readonly unknown[],
  theirs: readonly unknown[],
): boolean => FAILING.includes(found) || theirs.length < ours.length;

/** Calls and words of an answer, read. */
export interface Outcome {
  readonly calls: readonly ExactCall[];
  /** Words of an answer that makes no call. */
  readonly words: string;
  /** Tells whether a call was begun that cannot be read. */
  readonly isMalformed: boolean;
}

/** Reads what a model wrote after a prompt, in the format of its template. */
export function outcomeIn(
  written: string,
  context: { readonly format: ToolFormat; readonly prompt: string; readonly tools: readonly Tool[] },
): Outcome {
  const turn = callsOfTurn(written, context);
  const calls = turn.flatMap((call) =>
    call.kind === 'call' ? [{ name: call.name, arguments: fromJson(call.given) }] : [],
  );
  return {
    calls,
    words: afterThink(written, context.format),
    isMalformed: turn.some(({ kind }) => kind === 'broken'),
  };
}

/** Tells whether an answer is just what a case asks for. */
export function isRight(gold: Gold, { calls, words, isMalformed }: Outcome): boolean {
  if (isMalformed) return false;
  return judge(gold, calls.length > 0 ? { kind: 'calls', calls } : { kind: 'reply', reply: words }).correct;
}

/** Tells whether two answers make the same calls, in whatever order. */
export const sameCalls = ({ calls: a }: Outcome, { calls: b }: Outcome): boolean =>
  a.length === b.length && without(a, b, callKey).length === 0;

/** An answer with the prompt and the tokens that it was given to. */
export interface Compared {
  readonly prompt?: string | undefined;
  readonly tokens?: readonly number[] | undefined;
  /** By the runtime's own reader, where it has one. */
  readonly outcome: Outcome;
  /** By tinystar's reader, of all that was written; undefined where that is not shown. */
  readonly written?: Outcome | undefined;
  readonly fault?: string | undefined;
}

export interface Own {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly outcome: Outcome;
}

const sameTokens = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);

/** Class of the difference between a runtime's answer and tinystar's; undefined where there is none. */
export function differenceOf(own: Own, other: Compared): DifferenceClass | undefined {
  if (other.prompt !== undefined && other.prompt !== own.prompt) return 'template';
  const { outcome, written = own.outcome, fault } = other;
  if (outcome.calls.length < written.calls.length) return 'lost';
  if (other.tokens !== undefined && !sameTokens(own.tokens, other.tokens)) return 'tokenizer';
  if (fault !== undefined) return 'malformed';
  if (sameCalls(own.outcome, outcome)) return undefined;
  return outcome.isMalformed || written.isMalformed ? 'malformed' : 'wrong';
}

/** A runtime's answer with its calls read: by its own reader, or else by tinystar's. */
export function comparedOf(
  told: Told,
  context: { readonly format: ToolFormat; readonly prompt: string; readonly tools: readonly Tool[] },
): Compared {
  const { prompt, tokens, written: text, parsed, fault } = told;
  const written =
    text === undefined ? undefined : outcomeIn(text, { ...context, prompt: prompt ?? context.prompt });
  const own: Outcome | undefined = parsed && {
    calls: parsed.calls.map(({ name, arguments: given }) => ({ name, arguments: fromJson(given) })),
    words: parsed.words,
    isMalformed: parsed.calls.length === 0 && outcomeIn(parsed.words, { ...context, prompt: '' }).isMalformed,
  };
  const nothing: Outcome = { calls: [], words: '', isMalformed: false };
  return { prompt, tokens, outcome: own ?? written ?? nothing, written, fault };
}

/** Place where two prompts part, with what both have there. */
export interface Parting {
  readonly of: 'prompt' | 'tokens';
  /** Byte of UTF-8, or number of the token, from 0. */
  readonly at: number;
  readonly ours: string;
  readonly theirs: string;
}

/** Characters that are shown before and from the first that differs, and tokens from there. */
const [BEFORE, FROM, TOKENS] = [24, 40, 4];

/** Finds the first difference of two prompts; undefined where they are the same. */
export function promptParting(ours: string, theirs: string): Parting | undefined {
  if (ours === theirs) return undefined;
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  // The second half of a pair belongs to the character before it.
  if (/^[\uDC00-\uDFFF]/.test(ours.slice(at)) || /^[\uDC00-\uDFFF]/.test(theirs.slice(at))) at--;
  const shown = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - BEFORE), at + FROM));
  return {
    of: 'prompt',
    at: Buffer.byteLength(ours.slice(0, at)),
    ours: shown(ours),
    theirs: shown(theirs),
  };
}

/** Finds the first token in which two lists differ, with the texts of those from there; undefined where they are the same. */
export function tokenParting(
  ours: readonly number[],
  theirs: readonly number[],
  textOf: (id: number) => string,
): Parting | undefined {
  if (sameTokens(ours, theirs)) return undefined;
  const different = ours.findIndex((id, i) => id !== theirs[i]);
  const at = different < 0 ? ours.length : different;
  const shown = (ids: readonly number[]): string =>
    ids
      .slice(at, at + TOKENS)
      .map((id) => JSON.stringify(textOf(id)))
      .join(' ');
  return { of: 'tokens', at, ours: shown(ours), theirs: shown(theirs) };
}
