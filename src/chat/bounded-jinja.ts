/**
 * Chat templates come with checkpoints from anywhere, and a loop in one may have no end that anybody lives to see. What
 * a template does is counted here while the library evaluates it: the same template is refused at the same place on
 * every machine.
 */
import { Interpreter } from '@huggingface/jinja';
import { UserError } from '../base/errors.ts';
import { stringRepr } from '../json/repr.ts';
import { isMark } from './exact-json.ts';

/** A node of the library's syntax tree, with the fields of loops, filters, calls and literals. */
interface Node {
  readonly type: string;
  /** With a condition, what it is of is `lhs`. */
  readonly iterable?: Node & { readonly lhs?: Node };
  readonly operand?: Node;
  readonly filter?: Node;
  readonly callee?: Node;
  readonly args?: readonly Node[];
  readonly value?: unknown;
}
interface Value {
  readonly type: string;
  readonly value: unknown;
}
/** The library's `Environment`. */
interface Scope {
  set(name: string, value: unknown): unknown;
}
/** The library's declaration of it points to a file that TypeScript does not find. */
const LibraryInterpreter = Interpreter as new (scope: Scope) => {
  evaluate(node: Node | undefined, scope: Scope): Value;
  run(program: unknown): Value;
};

/** Evaluations of one rendering: a conversation of a thousand messages takes some 100,000. */
const MAX_WORK = 3_000_000;
/** Costs of an item of a loop, and of one of a list that is only looked at. */
const ITEM = 8;
const GLANCE = 1 / 16;
/** Characters of a text: far beyond any conversation. */
const MAX_LENGTH = 2 ** 25;
/** Filters that repeat blanks as often as they are told, and how often they may be. */
const INDENTING: readonly unknown[] = ['indent', 'tojson'];
const MAX_INDENT = 1000;

const refuse = (what: string): never => {
  throw new UserError('CHAT_TEMPLATE', `The chat template ${what}; correct it.`);
};

/** The library's interpreter, which sends everything in a template through `evaluate`. */
export class BoundedInterpreter extends LibraryInterpreter {
  #work = 0;
  readonly #iterables = new WeakSet<Node>();
  readonly #indents = new WeakSet();

  /** Adds to what has been done; throws a UserError where it is more than any template needs. */
  #spend(work: number): void {
    this.#work += work;
    if (this.#work > MAX_WORK) refuse(`takes more than ${MAX_WORK} steps for one conversation`);
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    this.#spend(1);
    if (node?.iterable !== undefined) this.#iterables.add(node.iterable.lhs ?? node.iterable);
    else if (node?.filter !== undefined) {
      const { operand, filter } = node;
      const { callee, args = [] } = filter;
      // Of the library's own filter a boolean is "true" and a list is JSON.
      if (filter.value === 'string' && operand !== undefined) {
        const literal = { type: 'StringLiteral', value: textOf(this.evaluate(operand, scope)) };
        return super.evaluate(literal, scope);
      }
      if (INDENTING.includes(callee?.value)) for (const one of args) this.#indents.add(argument(one));
    }
    const result = super.evaluate(node, scope);
    this.#weigh(node, result.value);
    return result;
  }

  #weigh(node: Node | undefined, value: unknown): void {
    if (Array.isArray(value)) {
      this.#spend(value.length * (node !== undefined && this.#iterables.has(node) ? ITEM : GLANCE));
    } else if (typeof value === 'string') {
      if (value.length > MAX_LENGTH) refuse(`makes a text of more than ${MAX_LENGTH} characters`);
    } else if (
      typeof value === 'number' &&
      value > MAX_INDENT &&
      node !== undefined &&
      this.#indents.has(node)
    ) {
      refuse(`indents by ${value}`);
    }
  }
}

/** Text of a value as Python's `str` writes it. */
function textOf({ type, value }: Value): string {
  if (typeof value === 'string') return value;
  if (type === 'NullValue') return 'None';
  if (type === 'BooleanValue') return value === true ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map((item: Value) => printed(item)).join(', ')}]`;
  if (value instanceof Map) {
    const entries = Array.from(
      value as Map<string, Value>,
      ([key, item]) => `${keyText(key)}: ${printed(item)}`,
    );
    return `{${entries.join(', ')}}`;
  }
  if (typeof value !== 'number') return '';
  return type === 'FloatValue' && Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Text of a value inside of another; a number that goes through the template under a mark has no quotes. */
const printed = (item: Value): string =>
  typeof item.value === 'string' ? keyText(item.value) : textOf(item);
const keyText = (text: string): string => (isMark(text) ? text : stringRepr(text));

/** Argument of a call, by name or by place. */
function argument(node: Node): Node {
  return node.type === 'KeywordArgumentExpression' ? (node.value as Node) : node;
}
