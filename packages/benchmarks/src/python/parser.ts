/**
 * A parser of Python 3.11 expressions after the grammar of the language reference (chapter "Full Grammar specification",
 * rule `eval`): what it refuses, `ast.parse(text, mode="eval")` refuses too, and the other way round.
 */
import type { BinaryOperator, Constant, Expression, Keyword, UnaryOperator } from './expression.ts';
import { KEYWORDS, TokenReader } from './reader.ts';

const CONSTANTS: ReadonlyMap<string, Constant> = new Map([
  ['None', null],
  ['True', true],
  ['False', false],
]);
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', 'not', 'is']);
/** Precedence of binary operators; all of them group to the left. */
const PRECEDENCE: ReadonlyMap<string, number> = new Map([
  ['|', 1],
  ['^', 2],
  ['&', 3],
  ['<<', 4],
  ['>>', 4],
  ['+', 5],
  ['-', 5],
  ['*', 6],
  ['/', 6],
  ['//', 6],
  ['%', 6],
  ['@', 6],
]);
/** Operators that an expression can begin with. */
const OPENERS: ReadonlySet<string> = new Set(['(', '[', '{', '+', '-', '~', '...']);
const OTHER: Expression = { kind: 'other' };

class Parser extends TokenReader {
  /** One expression and nothing else, or a tuple without brackets. */
  whole(): Expression {
    const items = [this.#expression()];
    const isTuple = this.at(',');
    while (this.taken(',') && this.#begins()) items.push(this.#expression());
    if (this.peek().kind !== 'end') throw this.error('the expression goes on where it should end');
    const [first] = items;
    return isTuple || first === undefined ? { kind: 'tuple', items } : first;
  }

  /** The rest of a list of items whose first one was read, up to what cannot begin an item. */
  #itemsAfter(first: Expression | undefined): readonly Expression[] {
    if (first === undefined) throw this.error('an expression is expected');
    const items = [first];
    while (this.taken(',')) {
      const item = this.#starred();
      if (item === undefined) break;
      items.push(item);
    }
    return items;
  }

  /** An item, `*item` or `name := item`; undefined where none begins. */
  #starred(): Expression | undefined {
    if (this.taken('*')) return { kind: 'starred', items: this.#binary(1) };
    return this.#begins() ? this.#named() : undefined;
  }

  /** Tells whether an expression can begin here. */
  #begins(): boolean {
    const token = this.peek();
    if (token.kind === 'end') return false;
    if (token.kind === 'operator') return OPENERS.has(token.text);
    if (token.kind !== 'name' || !KEYWORDS.has(token.text)) return true;
    return CONSTANTS.has(token.text) || ['not', 'lambda', 'await'].includes(token.text);
  }

  #named(): Expression {
    if (this.peek().kind === 'name' && this.at(':=', 1)) {
      this.name();
      this.skip();
      this.#expression();
      return OTHER;
    }
    return this.#expression();
  }

  /** `a if b else c`, a lambda, or what binds tighter. */
  #expression(): Expression {
    return this.nested(() => {
      if (this.at('lambda')) return this.#lambda();
      const value = this.#disjunction();
      if (!this.taken('if')) return value;
      const test = this.#disjunction();
      this.expect('else');
      return { kind: 'conditional', test, value, otherwise: this.#expression() };
    });
  }

  #lambda(): Expression {
    this.skip();
    while (!this.taken(':')) {
      if (!this.taken('*') && !this.taken('**') && !this.taken('/')) this.name();
      else if (this.peek().kind === 'name') this.name();
      if (this.taken('=')) this.#expression();
      if (!this.at(':')) this.expect(',');
    }
    this.#expression();
    return OTHER;
  }

  /** `or`, `and`, `not` and comparisons, in the order of their precedence. */
  #disjunction(): Expression {
    return this.#joined('or', () => this.#joined('and', () => this.#inversion()));
  }

  #joined(operator: string, read: () => Expression): Expression {
    const first = read();
    const operands = [first];
    while (this.taken(operator)) operands.push(read());
    return operands.length === 1 ? first : { kind: 'boolean', operators: [operator], operands };
  }

  #inversion(): Expression {
    if (!this.taken('not')) return this.#comparison();
    return { kind: 'unary', operator: 'not', operand: this.nested(() => this.#inversion()) };
  }

  #comparison(): Expression {
    const first = this.#binary(1);
    const [operators, operands]: [string[], Expression[]] = [[], [first]];
    for (let taken = this.#comparator(); taken !== undefined; taken = this.#comparator()) {
      operators.push(taken);
      operands.push(this.#binary(1));
    }
    return operators.length === 0 ? first : { kind: 'comparison', operators, operands };
  }

  /** Reads a comparison's operator; undefined where there is none. */
  #comparator(): string | undefined {
    const token = this.peek();
    if ((token.kind !== 'operator' && token.kind !== 'name') || !COMPARISONS.has(token.text))
      return undefined;
    this.skip();
    if (token.text === 'not') this.expect('in');
    return token.text === 'is' && this.taken('not') ? 'is not' : token.text;
  }

  /** Operators that bind at least as tight as `least`. */
  #binary(least: number): Expression {
    let left = this.#factor();
    for (let links = 0; ; links++) {
      this.checkChain(links);
      const token = this.peek();
      const precedence = token.kind === 'operator' ? PRECEDENCE.get(token.text) : undefined;
      if (token.kind !== 'operator' || precedence === undefined || precedence < least) return left;
      this.skip();
      const right = this.nested(() => this.#binary(precedence + 1));
      left = { kind: 'binary', operator: token.text as BinaryOperator, left, right };
    }
  }

  #factor(): Expression {
    const token = this.peek();
    if (token.kind === 'operator' && (token.text === '+' || token.text === '-' || token.text === '~')) {
      this.skip();
      const operator: UnaryOperator = token.text;
      return { kind: 'unary', operator, operand: this.nested(() => this.#factor()) };
    }
    const isAwaited = this.taken('await');
    const base = this.#primary();
    const left = isAwaited ? OTHER : base;
    if (!this.taken('**')) return left;
    return { kind: 'binary', operator: '**', left, right: this.nested(() => this.#factor()) };
  }

  /** An atom with what is called, subscripted or taken of it. */
  #primary(): Expression {
    const { start } = this.peek();
    let value = this.#atom();
    for (let links = 0; ; links++) {
      this.checkChain(links);
      if (this.taken('.')) value = { kind: 'attribute', object: value, name: this.name() };
      else if (this.taken('(')) value = { kind: 'call', callee: value, ...this.#arguments() };
      else if (this.taken('[')) {
        const index = this.#slices();
        value = { kind: 'subscript', object: value, index, text: this.textFrom(start) };
      } else return value;
    }
  }

  /** Content of a subscript's brackets; several things are a tuple. */
  #slices(): Expression {
    const indices: Expression[] = [];
    do {
      if (this.at(']')) break;
      const first = this.at(':') ? undefined : this.#starred();
      if (first === undefined && !this.at(':')) throw this.error('an index is expected');
      const bounds = [first];
      while (bounds.length < 3 && this.taken(':'))
        bounds.push(this.#begins() ? this.#expression() : undefined);
      indices.push(first !== undefined && bounds.length === 1 ? first : { kind: 'slice', bounds });
    } while (this.taken(','));
    const [first] = indices;
    if (first === undefined) throw this.error('an index is expected');
    const isTuple = indices.length > 1 || this.at(',', -1);
    this.expect(']');
    return isTuple ? { kind: 'tuple', items: indices } : first;
  }

  /** Content of a call's parentheses. */
  #arguments(): { readonly positional: readonly Expression[]; readonly keywords: readonly Keyword[] } {
    const positional: Expression[] = [];
    const keywords: Keyword[] = [];
    let isUnpacked = false;
    for (let first = true; !this.taken(')'); first = false) {
      if (this.taken('**')) {
        isUnpacked = true;
        keywords.push({ name: undefined, value: this.#expression() });
      } else if (this.peek().kind === 'name' && this.at('=', 1)) {
        const name = this.name();
        this.skip();
        keywords.push({ name, value: this.#expression() });
      } else if (this.taken('*')) {
        if (isUnpacked) throw this.error('unpacked positional arguments follow unpacked named ones');
        positional.push({ kind: 'starred', items: this.#expression() });
      } else {
        if (keywords.length > 0) throw this.error('a positional argument follows a named one');
        const value = this.#named();
        const isComprehension = first && this.#comprehension();
        positional.push(isComprehension ? OTHER : value);
        if (isComprehension) {
          this.expect(')');
          break;
        }
      }
      if (!this.at(')')) this.expect(',');
    }
    return { positional, keywords };
  }

  #atom(): Expression {
    const token = this.peek();
    if (token.kind === 'string') return this.#strings();
    if (token.kind === 'number') {
      this.skip();
      return { kind: 'constant', value: token.value };
    }
    if (token.kind === 'name') {
      const constant = CONSTANTS.get(token.text);
      if (constant === undefined) return { kind: 'name', name: this.name() };
      this.skip();
      return { kind: 'constant', value: constant };
    }
    if (this.taken('...')) return { kind: 'constant', value: 'ellipsis' };
    if (this.taken('(')) return this.#parenthesis();
    if (this.taken('[')) return this.#display(']', 'list', this.#starred());
    if (this.taken('{')) return this.#braces();
    throw this.error('an expression is expected');
  }

  /** Literals that stand side by side are one. */
  #strings(): Expression {
    let text = '';
    let isFormat = false;
    const kinds = new Set<boolean>();
    for (let token = this.peek(); token.kind === 'string'; token = this.peek()) {
      const { value } = token;
      kinds.add(value.kind === 'bytes');
      if (value.kind === 'format') isFormat = true;
      else text += value.text;
      this.skip();
    }
    if (kinds.size > 1) throw this.error('bytes and text cannot be put together');
    if (isFormat) return OTHER;
    return { kind: 'constant', value: { kind: kinds.has(true) ? 'bytes' : 'text', text } };
  }

  #parenthesis(): Expression {
    if (this.taken(')')) return { kind: 'tuple', items: [] };
    if (this.taken('yield')) {
      if (this.taken('from')) this.#expression();
      else if (!this.at(')')) this.#itemsAfter(this.#starred());
      this.expect(')');
      return OTHER;
    }
    const isUnpacked = this.at('*');
    const first = this.#starred();
    if (first !== undefined && this.#comprehension()) {
      this.expect(')');
      return OTHER;
    }
    if (this.at(',')) {
      const items = this.#itemsAfter(first);
      this.expect(')');
      return { kind: 'tuple', items };
    }
    this.expect(')');
    if (first === undefined || isUnpacked) throw this.error('an expression is expected');
    return first;
  }

  /** The items of a list or set, up to what closes it. */
  #display(close: string, kind: 'list' | 'set', first: Expression | undefined): Expression {
    if (first === undefined) {
      this.expect(close);
      return { kind, items: [] };
    }
    if (this.#comprehension()) {
      this.expect(close);
      return OTHER;
    }
    const items = this.#itemsAfter(first);
    this.expect(close);
    return { kind, items };
  }

  #braces(): Expression {
    if (this.taken('}')) return { kind: 'dict', entries: [] };
    if (this.at('**')) return this.#dict();
    const canBeKey = !this.at('*') && !this.at(':=', 1);
    const first = this.#starred();
    if (first === undefined) throw this.error('an expression is expected');
    return canBeKey && this.at(':') ? this.#dict(first) : this.#display('}', 'set', first);
  }

  /** The entries of a dict; the key of the first one may have been read. */
  #dict(firstKey?: Expression): Expression {
    const entries: [Expression | undefined, Expression][] = [];
    do {
      if (this.at('}')) break;
      if (this.taken('**')) entries.push([undefined, this.#binary(1)]);
      else {
        const key = entries.length === 0 && firstKey !== undefined ? firstKey : this.#expression();
        this.expect(':');
        entries.push([key, this.#expression()]);
      }
      if (entries.length === 1 && this.#comprehension()) {
        this.expect('}');
        return OTHER;
      }
    } while (this.taken(','));
    this.expect('}');
    return { kind: 'dict', entries };
  }

  /** Reads `for targets in items if condition ...`; false where none begins. */
  #comprehension(): boolean {
    if (!this.at('for') && !this.at('async')) return false;
    while (this.at('for') || this.at('async')) {
      this.taken('async');
      this.expect('for');
      do {
        this.taken('*');
        this.#binary(1);
      } while (this.taken(',') && !this.at('in'));
      this.expect('in');
      this.#disjunction();
      while (this.taken('if')) this.#disjunction();
    }
    return true;
  }
}

/** The syntax tree of a text that is one expression. Throws a PythonSyntaxError. */
export function parseExpression(text: string): Expression {
  return new Parser(text).whole();
}
