/** The constants of a Python module: what it assigns to names at its top level, as far as that is written as literals. */
import type { PyDict, PyValue } from '../../../../src/json/python.ts';
import { PythonSyntaxError } from './errors.ts';
import type { Expression } from './expression.ts';
import { parseExpression } from './parser.ts';

/** A comment, a text, a bracket, the end of a line, or an end of a line that does not count. */
const PIECE =
  /#[^\n]*|'''(?:[^\\]|\\[^])*?'''|"""(?:[^\\]|\\[^])*?"""|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|[([{]|[)\]}]|\\\n|\n/g;
const ASSIGNMENT = /^([\p{L}_][\p{L}\p{N}_]*)[ \t]*=(?!=)[ \t]*/u;

/** The statements of a module, each as it is written: a line, or more where brackets or texts go on over its end. */
function* statementsOf(source: string): Generator<string> {
  let [start, depth] = [0, 0];
  for (const { 0: piece, index } of source.matchAll(PIECE)) {
    if (/^[([{]$/.test(piece)) depth += 1;
    else if (/^[)\]}]$/.test(piece)) depth -= 1;
    else if (piece === '\n' && depth <= 0) {
      yield source.slice(start, index);
      [start, depth] = [index + 1, 0];
    }
  }
  yield source.slice(start);
}

/** Value of an expression that is a literal; Ellipsis becomes `{"__ellipsis__": true}`, a tuple a list. */
function literalOf(expression: Expression): PyValue | undefined {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression;
      if (value === 'ellipsis') return new Map([['__ellipsis__', true]]);
      if (value === null || typeof value !== 'object') return value;
      return 'kind' in value && value.kind === 'text' ? value.text : undefined;
    }
    case 'unary': {
      const value = literalOf(expression.operand);
      if (expression.operator !== '-') return undefined;
      return typeof value === 'number' || typeof value === 'bigint' ? -value : undefined;
    }
    case 'list':
    case 'tuple': {
      const items = expression.items.map(literalOf);
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    case 'dict': {
      const entries = new Map<string, PyValue>();
      for (const [key, item] of expression.entries) {
        const name = key === undefined ? undefined : literalOf(key);
        const value = literalOf(item);
        if (typeof name !== 'string' || value === undefined) return undefined;
        entries.set(name, value);
      }
      return entries;
    }
    default:
      return undefined;
  }
}

/** The literals that `source` assigns, by name. Everything else in the module is passed over; nothing is run. */
export function constantsOf(source: string): PyDict {
  const constants = new Map<string, PyValue>();
  for (const statement of statementsOf(source.replaceAll(/\r\n?/g, '\n'))) {
    const [assignment = '', name] = ASSIGNMENT.exec(statement) ?? [];
    if (name === undefined) continue;
    try {
      const value = literalOf(parseExpression(statement.slice(assignment.length)));
      if (value !== undefined) constants.set(name, value);
    } catch (thrown) {
      if (!(thrown instanceof PythonSyntaxError)) throw thrown;
    }
  }
  return constants;
}
