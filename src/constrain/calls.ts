/**
 * Answers with calls of some functions, as states: words, or calls in a model's tool-call format whose names are known and whose
 * arguments obey their schemas.
 */
import type { ToolFormat } from '../chat/formats/format.ts';
import type { Tool } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';
import { either, END, literal, type Rest, type State, TAGS, type TextSymbol } from './state.ts';
import { wordsOf } from './strings.ts';
import { object } from './values.ts';

/** Names of parameters whose values are words of the request, by function. */
export type Verbatim = Readonly<Record<string, readonly string[]>>;

/** Calls that an answer may have: as the model likes, one at least, none, or of the function of that name. */
export type ToolChoice = 'auto' | 'required' | 'none' | { readonly name: string };

/** Rules that the calls of an answer obey. */
export interface CallRules {
  readonly tools: readonly Tool[];
  /** Default: `auto`. */
  readonly choice?: ToolChoice;
  /** Tells whether there may be several calls; default: true. */
  readonly parallel?: boolean;
  /** Schema that the whole answer obeys, in place of calls. */
  readonly response?: { readonly schema: JsonObject };
  /** Tells whether the prompt has opened a thought. */
  readonly isThinking?: boolean;
  /** Words that `verbatim` parameters take their values from. */
  readonly request?: string;
  readonly verbatim?: Verbatim;
}

/** A text of a format as symbols: tags that are tokens, and bytes. */
export type Symbols = (text: string) => readonly TextSymbol[];

/** Words, and the tags of a thought, up to a call or the end. What begins with the tag of a call is one. */
function words(begin: TextSymbol | undefined, thought: ReadonlySet<TextSymbol>, calls: Rest): State {
  const state: State = {
    isEnd: true,
    after: (symbol) => {
      // A character that calls begin with may also be one of a text.
      if (symbol === begin && symbol >= TAGS) return calls().after(symbol);
      return symbol < TAGS || thought.has(symbol) ? state : undefined;
    },
  };
  return state;
}

/** Calls that are due: at once, or behind a thought whose tags are tokens. */
function behindThought([close, ...more]: readonly TextSymbol[], calls: State): State {
  const behind: State = {
    isEnd: false,
    after: (symbol) => (symbol === 0x20 || symbol === 0x0a ? behind : calls.after(symbol)),
  };
  const thinking: State = {
    isEnd: false,
    after: (symbol) => {
      if (symbol < TAGS) return thinking;
      return symbol === close && more.length === 0 ? behind : undefined;
    },
  };
  return thinking;
}

/** Parameters as a schema: in the style of xLAM they are the table of arguments itself. */
const schemaOf = (parameters: JsonObject): JsonObject =>
  Object.keys(parameters).length === 0 || 'properties' in parameters || typeof parameters['type'] === 'string'
    ? parameters
    : { type: 'object', properties: parameters };

/** Answers in a format; undefined for one whose calls are no JSON. */
export function answers(
  { json, think, thinks }: Pick<ToolFormat, 'json' | 'think' | 'thinks'>,
  symbols: Symbols,
  { tools: all, choice = 'auto', parallel = true, request, verbatim = {}, isThinking = false }: CallRules,
): State | undefined {
  if (json === undefined) return undefined;
  const isNamed = typeof choice === 'object';
  const tools = all.filter(({ name }) => choice !== 'none' && (!isNamed || name === choice.name));
  const said = request === undefined ? undefined : wordsOf(request);
  const begin = symbols(json.before);
  const behind: Rest = () => {
    if (!parallel) return END;
    const another = literal(symbols(json.between), calls);
    return { isEnd: true, after: (symbol) => another.after(symbol) };
  };
  const call = ({ name, parameters }: Tool): State => {
    const root = schemaOf(parameters);
    const around = {
      root,
      ...(said === undefined ? {} : { words: said }),
      verbatim: new Set(verbatim[name] ?? []),
    };
    return literal(symbols(`${JSON.stringify(name)}, "${json.key}": `), () =>
      object(root, around, () => literal(symbols(json.after), behind)),
    );
  };
  const calls: Rest = () => literal(begin, () => either(tools.map(call)) ?? END);
  const thought = new Set([think.open, think.close].flatMap((tag) => symbols(tag)));
  if (tools.length === 0) return words(undefined, thought, calls);
  const first = calls();
  if (choice === 'required' || isNamed) {
    const thinking = behindThought(symbols(think.close), first);
    if (isThinking) return thinking;
    const [open, ...more] = symbols(think.open);
    const opens = (symbol: TextSymbol): boolean => thinks && more.length === 0 && symbol === open;
    return {
      isEnd: false,
      after: (symbol) => first.after(symbol) ?? (opens(symbol) ? thinking : undefined),
    };
  }
  const free = words(begin[0], thought, calls);
  return { isEnd: true, after: (symbol) => first.after(symbol) ?? free.after(symbol) };
}
