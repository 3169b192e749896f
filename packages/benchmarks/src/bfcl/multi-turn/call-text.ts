/**
 * Calls as text, `mkdir(dir_name='temp')`: how the benchmark writes and evaluates them. The official executor hands such texts to
 * Python's eval; here they are read, with the same errors: literals only, since nothing else can come out of a JSON tool call.
 */
import { pyRepr } from '../../../../../src/json/repr.ts';
import type { PyDict } from '../../../../../src/json/python.ts';
import { PythonSyntaxError } from '../../python/errors.ts';
import { KEYWORDS, TokenReader } from '../../python/reader.ts';
import type { Arguments } from './apis/method.ts';
import { hashable } from './python/compare.ts';
import { Raised } from './python/errors.ts';
import { asInt, Dict, isNumeric, type Key, type Value } from './python/value.ts';

/** One call, read but not yet made. */
export interface Call extends Arguments {
  /** The names before the parenthesis, split at the dots. */
  readonly path: readonly string[];
  /** The first bare word among the arguments that is no literal: evaluating it raises. */
  readonly undefinedName: string | undefined;
}

/** The text of a call with named arguments, as the benchmark writes it: values as their repr, no blank after commas. */
export function callText(name: string, named: PyDict): string {
  return `${name}(${[...named].map(([key, value]) => `${key}=${pyRepr(value)}`).join(',')})`;
}

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['True', true],
  ['False', false],
  ['None', null],
]);

function syntaxError(reason = 'invalid syntax'): Raised {
  return new Raised('SyntaxError', `${reason} (<string>, line 1)`);
}

class CallReader extends TokenReader {
  #undefinedName: string | undefined;

  call(): Call {
    const path = [this.name()];
    while (this.taken('.')) path.push(this.name());
    this.expect('(');
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    while (!this.taken(')')) {
      this.#argument(positional, named);
      if (!this.at(')')) this.expect(',');
    }
    if (this.peek().kind !== 'end') throw syntaxError();
    return { path, positional, named, undefinedName: this.#undefinedName };
  }

  #argument(positional: Value[], named: Map<string, Value>): void {
    const token = this.peek();
    if (token.kind === 'name' && this.at('=', 1)) {
      if (CONSTANTS.has(token.text)) throw syntaxError(`cannot assign to ${token.text}`);
      const name = this.name();
      this.skip();
      if (named.has(name)) throw syntaxError(`keyword argument repeated: ${name}`);
      named.set(name, this.#value());
      return;
    }
    const value = this.#value();
    if (!this.at(',') && !this.at(')')) {
      const isAssigned = this.#skipsTo('=');
      throw syntaxError(
        isAssigned ? 'expression cannot contain assignment, perhaps you meant "=="?' : undefined,
      );
    }
    if (named.size > 0) throw syntaxError('positional argument follows keyword argument');
    positional.push(value);
  }

  /** Goes on to an operator, within this argument; false where there is none. */
  #skipsTo(operator: string): boolean {
    while (!this.at(operator)) {
      if (this.peek().kind === 'end' || this.at(',') || this.at(')')) return false;
      this.skip();
    }
    return true;
  }

  #value(): Value {
    const token = this.peek();
    if (token.kind === 'string') return this.#strings();
    if (token.kind === 'number') {
      // An imaginary number.
      if (typeof token.value === 'object') throw syntaxError();
      this.skip();
      return token.value;
    }
    if (token.kind === 'name') return this.#word(token.text);
    if (token.kind !== 'operator') throw syntaxError();
    this.skip();
    return this.nested(() => {
      if (token.text === '-' || token.text === '+') return this.#signed(token.text);
      if (token.text === '[') return this.#items(']').items;
      if (token.text === '(') return this.#parenthesis();
      if (token.text === '{') return this.#dict();
      throw syntaxError();
    });
  }

  #word(word: string): Value {
    this.skip();
    const constant = CONSTANTS.get(word);
    if (constant !== undefined) return constant;
    if (KEYWORDS.has(word)) throw syntaxError();
    this.#undefinedName ??= word;
    return null;
  }

  #signed(sign: '-' | '+'): Value {
    const value = asInt(this.#value());
    if (!isNumeric(value)) throw syntaxError();
    return sign === '-' ? -value : value;
  }

  /** Text before `close`, and whether its last item has a comma behind it. */
  #items(close: string): { readonly items: Value[]; readonly hasComma: boolean } {
    const items: Value[] = [];
    let hasComma = false;
    while (!this.taken(close)) {
      items.push(this.#value());
      hasComma = this.at(',');
      if (!this.at(close)) this.expect(',');
    }
    return { items, hasComma };
  }

  /** One value in parentheses is that value; a tuple is read as a list, which no method tells apart. */
  #parenthesis(): Value {
    const { items, hasComma } = this.#items(')');
    const [only] = items;
    return items.length === 1 && only !== undefined && !hasComma ? only : items;
  }

  #dict(): Dict {
    const entries: [Key, Value][] = [];
    while (!this.taken('}')) {
      const key = hashable(this.#value());
      this.expect(':');
      entries.push([key, this.#value()]);
      if (!this.at('}')) this.expect(',');
    }
    return new Dict(entries);
  }

  /** Literals that stand side by side are one text. */
  #strings(): string {
    let text = '';
    for (let token = this.peek(); token.kind === 'string'; token = this.peek()) {
      if (token.value.kind !== 'text') throw syntaxError();
      text += token.value.text;
      this.skip();
    }
    return text;
  }
}

/** Reads a call; throws a Raised with Python's text for anything else. */
export function readCall(text: string): Call {
  try {
    // Python's eval allows blanks before an expression, which as a line of its own would be indented.
    return new CallReader(text.replace(/^[ \t]+/, '')).call();
  } catch (thrown) {
    throw thrown instanceof PythonSyntaxError ? syntaxError() : thrown;
  }
}
