/**
 * Answers as states: words, or calls in a model's tool-call format whose names are known and whose arguments obey their schemas; or
 * one JSON value.
 */
import { UserError } from '../../../src/base/errors.ts';
import { JSON_NOTATION, type ToolFormat } from '../../../src/chat/formats/format.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import type { Fields, JsonObject, JsonValue } from '../../../src/json/value.ts';
import { type Language, Languages } from './languages.ts';
import { patternLanguage } from './patterns.ts';
import { bytesOf, either, END, literal, type Rest, type State, TAGS, type TextSymbol } from './state.ts';
import { type Symbols, Values } from './values.ts';

/** Names of parameters whose values are words of the request, by function. */
export type Verbatim = Readonly<Record<string, readonly string[]>>;

/** Calls that an answer may have: as the model likes, one at least, none, or of the function of that name. */
export type ToolChoice = 'auto' | 'required' | 'none' | { readonly name: string };

/** Rules that an answer obeys. */
export interface CallRules {
  readonly tools: readonly Tool[];
  /** Default: `auto`. */
  readonly choice?: ToolChoice;
  /** Tells whether there may be several calls; default: true. */
  readonly parallel?: boolean;
  /** Words that `verbatim` parameters take their values from. */
  readonly request?: string;
  readonly verbatim?: Verbatim;
  /** The answer is one JSON value of this schema, without calls: any object for `{ type: 'object', additionalProperties: true }`. */
  readonly response?: { readonly schema: JsonObject };
  /** Tells whether the prompt has opened a thought, which the answer goes on with. */
  readonly isThinking?: boolean;
  /** Tells whether the prompt has closed one, so that a call or value that is due comes at once. */
  readonly isSilent?: boolean;
}

/** Parts of a format that answers are written by. */
type Written = Pick<ToolFormat, 'grammar' | 'think'>;

/** Text of bytes and of some tags, which begins no call, told from `calls` that may come at any place of it. */
class Words {
  readonly #languages = new Languages();
  readonly #tags: ReadonlySet<TextSymbol>;
  readonly #calls: State | undefined;
  readonly #isEnd: boolean;
  readonly #known = new Map<Language, State>();

  constructor(tags: ReadonlySet<TextSymbol>, calls: State | undefined, isEnd: boolean) {
    this.#tags = tags;
    this.#calls = calls;
    this.#isEnd = isEnd;
  }

  /** Words without what a pattern finds. */
  start(begins: string): State {
    const languages = this.#languages;
    return this.#at(languages.not(patternLanguage(begins, languages)));
  }

  #at(language: Language): State {
    const known = this.#known.get(language);
    if (known !== undefined) return known;
    const edges = this.#languages.edges(language);
    const state: State = {
      isEnd: this.#isEnd,
      after: (symbol) => {
        const edge = symbol < TAGS ? edges.find(({ from, to }) => symbol >= from && symbol <= to) : undefined;
        const free = this.#tags.has(symbol) ? state : edge && this.#at(edge.next);
        const begun = this.#calls?.after(symbol);
        return begun === undefined ? free : this.#beside(free, begun);
      },
    };
    this.#known.set(language, state);
    return state;
  }

  /** Words, or a call that may have begun in them. */
  #beside(free: State | undefined, begun: State): State {
    return free === undefined ? begun : (either([free, begun]) ?? free);
  }
}

/** Parameters as a schema: in the style of xLAM they are the table of arguments itself. */
const schemaOf = (parameters: JsonObject): JsonObject =>
  Object.keys(parameters).length === 0 ||
  ['properties', '$ref', 'allOf', 'anyOf', 'oneOf'].some((key) => key in parameters) ||
  typeof parameters['type'] === 'string'
    ? parameters
    : { type: 'object', properties: parameters };

const propertyIn = ({ properties }: JsonObject, key: string): JsonValue =>
  (properties as JsonObject | undefined)?.[key] ?? {};

/** Throws a UserError that names the function whose schema cannot be held, or allows no arguments. */
export function checkTools(tools: readonly Tool[]): void {
  for (const { name, parameters } of tools)
    try {
      new Values(schemaOf(parameters), { symbols: bytesOf, never: [] }).check();
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      throw new UserError(thrown.code, `The function ${name}: ${thrown.message}`);
    }
}

/** Calls of tools one behind another, up to the end of the answer. */
function callsOf(
  { grammar, think }: Written,
  symbols: Symbols,
  { tools, parallel = true, request, verbatim = {} }: CallRules,
): State {
  const writing = { symbols, never: [...grammar.never, think.open, think.close] };
  const { open, between, close } = grammar;
  const hasEscapes = (grammar.arguments.inside ?? grammar.arguments).escapes !== undefined;
  const functions = tools.map(({ name, parameters }) => {
    const tags = grammar.call(name);
    if (tags === undefined)
      throw new UserError(
        'TOOLS',
        `The name ${JSON.stringify(name)} of a function cannot be written in calls of this model; give it another one.`,
      );
    const root = schemaOf(parameters);
    const values = new Values(root, writing, hasEscapes);
    const { narrowed } = grammar;
    const rules = {
      narrow: narrowed === undefined ? undefined : (key: string): Fields => narrowed(propertyIn(root, key)),
      request,
      verbatim: new Set(verbatim[name] ?? []),
    };
    return (rest: Rest): State =>
      literal(symbols(tags.open), () =>
        values.object(grammar.arguments, rules, () => literal(symbols(tags.close), rest)),
      );
  });
  const call: Rest = () => either(functions.map((begin) => begin(behind))) ?? END;
  const behind: Rest = () => {
    const end = literal(symbols(close), () => END);
    return parallel ? (either([end, literal(symbols(between), call)]) ?? end) : end;
  };
  return literal(symbols(open), call);
}

/** Answers of a format. Throws a UserError for a schema that cannot be held, and for a choice that no function is left by. */
export function answers(
  { grammar, think, thinks }: Pick<ToolFormat, 'grammar' | 'think' | 'thinks'>,
  symbols: Symbols,
  rules: CallRules,
): State {
  const { tools: all, choice = 'auto', response, isThinking = false, isSilent = false } = rules;
  const mayThink = isThinking || (thinks && !isSilent);
  const thought = new Set(
    [think.open, think.close].flatMap((tag) => symbols(tag)).filter((tag) => tag >= TAGS),
  );
  if (response !== undefined) {
    const json = responseOf(think, response.schema);
    return mayThink ? behindThought(think, symbols, json, isThinking) : json;
  }
  const isNamed = typeof choice === 'object';
  const tools = all.filter(({ name }) => choice !== 'none' && (!isNamed || name === choice.name));
  const isDue = choice === 'required' || isNamed;
  if (tools.length === 0 && isDue)
    throw new UserError(
      'TOOLS',
      `A call${isNamed ? ` of ${choice.name}` : ''} is asked for, and there is no such function; give its definition.`,
    );
  const calls = tools.length === 0 ? undefined : callsOf({ grammar, think }, symbols, { ...rules, tools });
  if (calls !== undefined && isDue)
    return mayThink ? behindThought(think, symbols, calls, isThinking) : calls;
  return new Words(thought, calls, true).start(grammar.begins);
}

/** A JSON value of a schema. */
function responseOf(think: ToolFormat['think'], schema: JsonObject): State {
  const writing = { symbols: bytesOf, never: [think.open, think.close] };
  return new Values(schema, writing).whole(JSON_NOTATION, () => END);
}

/** A call or value that is due, behind a thought or at once: a model that may say words first may say them for ever. */
function behindThought(
  { open, close }: ToolFormat['think'],
  symbols: Symbols,
  due: State,
  isThinking: boolean,
): State {
  const isSpace = (symbol: TextSymbol): boolean => symbol === 0x20 || symbol === 0x0a;
  const behind: State = {
    isEnd: false,
    after: (symbol) => (isSpace(symbol) ? behind : due.after(symbol)),
  };
  const escaped = close.replaceAll(/[|()[\]{}.*+?^$\\]/g, '\\$&');
  const thinking = new Words(
    new Set(),
    literal(symbols(close), () => behind),
    false,
  ).start(escaped);
  if (isThinking) return thinking;
  return either([due, literal(symbols(open), () => thinking)]) ?? due;
}
