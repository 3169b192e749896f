/**
 * Right or wrong, for evaluation: are the calls of a generation exactly the gold ones, in whatever order?
 *
 * Names must be equal, and arguments equal as JSON: numbers by value (5 is 5.0, but true is not 1 and "5" is not 5), keys in any order,
 * strings exactly, but for white space around them. Where text is wanted, any non-empty reply without a call is right, unless words are named that
 * it must mention. Tools are not consulted: a call that no tool allows cannot equal a gold one.
 */
import type { ToolFormat, WrittenCall } from '../chat/formats/format.ts';
import { parseGeneration, type Label } from '../chat/generation.ts';
import type { ExactCall, Message, Tool } from '../chat/messages.ts';
import { argumentsIn, isObjectCall, toolTable, type ValidCall } from '../chat/tools.ts';
import { dumps } from '../json/dumps.ts';
import { fromJson, isDict, isList, strip, type PyDict, type PyValue } from '../json/python.ts';

export type Gold =
  | { readonly kind: 'calls'; readonly calls: readonly ExactCall[] }
  /** Every word of `mustMention` has to occur in the reply, in upper or lower case. */
  | { readonly kind: 'reply'; readonly mustMention: readonly string[] };

/** Classes of errors: the first that holds, from the top. */
export const ERROR_CLASSES = {
  unparsable: 'not of the required form, or a call was begun and never finished',
  called_instead_of_answering: 'a call, where a reply was wanted',
  wrong_reply: 'an empty reply, or one that does not mention what it must',
  no_call: 'a reply, where a call was wanted',
  wrong_function: 'a function was called that was not wanted, in place of one that was',
  missing_call: 'a call that was wanted was not made',
  extra_call: 'a call was made that was not wanted',
  wrong_argument_name: 'the right functions, with other arguments than wanted',
  wrong_value: 'the right functions and arguments, with another value than wanted',
} as const;

export type ErrorClass = keyof typeof ERROR_CLASSES;

export type Verdict = { readonly correct: true } | { readonly correct: false; readonly error: ErrorClass };

/** A generation as far as it matters to a verdict; undefined if it is not of the required form. */
export type Outcome = Exclude<Label, { kind: 'unusable' }> | undefined;

/** Wanted answer by the gold answer of a dialogue. */
export function goldOfMessage(message: Message, mustMention: readonly string[] = []): Gold {
  const calls = message.toolCalls ?? [];
  if (calls.length === 0) return { kind: 'reply', mustMention };
  return {
    kind: 'calls',
    calls: calls.map(({ name, arguments: given }) => ({ name, arguments: fromJson(given) })),
  };
}

/** Wanted answer by a label; undefined if the label cannot be read. */
export function goldOfLabel(label: Label): Gold | undefined {
  if (label.kind === 'unusable') return undefined;
  return label.kind === 'calls' ? label : { kind: 'reply', mustMention: [] };
}

/** Judges an assistant's whole turn (see `assistantTurn`). Never throws. */
export function exactMatch(
  gold: Gold,
  turn: string,
  format: ToolFormat,
  tools: readonly Tool[] = [],
): Verdict {
  const { open, close } = format.think;
  // A turn without a thought is an answer: only rewards ask for the tags.
  const thinks = format.thinks && (turn.includes(open) || turn.includes(close));
  const parsed = parseGeneration(turn, { ...format, thinks }, argumentsIn(toolTable(tools)));
  return judge(gold, outcomeOf(parsed, format));
}

/** Calls are an outcome if there are some, and all of them have a name and arguments. */
export function outcomeOf(
  parsed:
    | { readonly kind: 'malformed' }
    | { readonly kind: 'calls'; readonly calls: readonly (ValidCall | WrittenCall)[] }
    | { readonly kind: 'reply'; readonly reply: string },
  format: ToolFormat,
): Outcome {
  if (parsed.kind === 'malformed') return undefined;
  if (parsed.kind === 'reply') return { kind: 'reply', reply: withoutEndTokens(parsed.reply, format) };
  const calls = parsed.calls.filter(isObjectCall);
  const isWhole = calls.length > 0 && calls.length === parsed.calls.length;
  return isWhole ? { kind: 'calls', calls } : undefined;
}

function wrong(error: ErrorClass): Verdict {
  return { correct: false, error };
}

export function judge(gold: Gold, outcome: Outcome): Verdict {
  if (outcome === undefined) return wrong('unparsable');
  if (gold.kind === 'calls')
    return outcome.kind === 'calls' ? judgeCalls(gold.calls, outcome.calls) : wrong('no_call');
  if (outcome.kind === 'calls') return wrong('called_instead_of_answering');
  const reply = outcome.reply.toLowerCase();
  const mentioned = gold.mustMention.every((word) => reply.includes(word.toLowerCase()));
  return reply !== '' && mentioned ? { correct: true } : wrong('wrong_reply');
}

const END_TOKEN = /^<\|\w+\|>$/;

/** A reply without the special tokens that its end was decoded to. */
export function withoutEndTokens(reply: string, format?: ToolFormat): string {
  const ends = [format?.turn.close, format?.callEnd];
  let text = strip(reply);
  for (;;) {
    const end = ends.find((one) => one !== undefined && text.endsWith(one));
    if (end !== undefined) {
      text = strip(text.slice(0, -end.length));
      continue;
    }
    const start = text.endsWith('|>') ? text.lastIndexOf('<|') : -1;
    if (start < 0 || !END_TOKEN.test(text.slice(start))) return text;
    text = strip(text.slice(0, start));
  }
}

/** A value in the form in which equal values print alike. */
function normal(value: PyValue): PyValue {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string') return strip(value);
  if (isList(value)) return value.map(normal);
  return isDict(value) ? normalDict(value) : value;
}

function normalDict(dict: PyDict): PyDict {
  return new Map([...dict].map(([key, value]) => [key, normal(value)]));
}

/** A call with texts that are equal exactly for equal calls, and for calls of equal form: of equal names. */
function print(call: ExactCall) {
  return {
    name: call.name,
    whole: dumps([call.name, normalDict(call.arguments)], { sortKeys: true }),
    form: dumps([call.name, ...[...call.arguments.keys()].sort()]),
  };
}

/** Text that is equal for calls that are equal as JSON, and for no others. */
export const callKey = (call: ExactCall): string => print(call).whole;

/** Items of `a` that are left when each item of `b` has taken one that is equal by `key`. */
export function without<T>(a: readonly T[], b: readonly T[], key: (item: T) => string): T[] {
  const takers = new Map<string, number>();
  for (const item of b) takers.set(key(item), (takers.get(key(item)) ?? 0) + 1);
  return a.filter((item) => {
    const left = takers.get(key(item)) ?? 0;
    if (left > 0) takers.set(key(item), left - 1);
    return left === 0;
  });
}

function judgeCalls(gold: readonly ExactCall[], made: readonly ExactCall[]): Verdict {
  const wanted = gold.map(print);
  const got = made.map(print);
  const missing = without(wanted, got, (call) => call.whole);
  const surplus = without(got, wanted, (call) => call.whole);
  if (missing.length === 0 && surplus.length === 0) return { correct: true };
  const unmade = without(missing, surplus, (call) => call.name).length;
  const unwanted = without(surplus, missing, (call) => call.name).length;
  if (unmade > 0) return wrong(unwanted > 0 ? 'wrong_function' : 'missing_call');
  if (unwanted > 0) return wrong('extra_call');
  const other = without(missing, surplus, (call) => call.form).length;
  return wrong(other > 0 ? 'wrong_argument_name' : 'wrong_value');
}
