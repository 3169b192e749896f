/** The syntax tree of a Python expression, as far as somebody asks about it; the rest is `other`. */
import type { NumberLiteral } from './tokens.ts';
import type { StringLiteral } from './strings.ts';

export type UnaryOperator = '+' | '-' | '~' | 'not';
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '@' | '**' | '<<' | '>>' | '&' | '^' | '|';

export type Expression =
  | { readonly kind: 'constant'; readonly value: Constant }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'tuple' | 'set'; readonly items: readonly Expression[] }
  /** An entry without a key is unpacked (`**other`). */
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression | undefined, Expression])[] }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** `and` and `or`, and comparisons, which may follow each other: one operator fewer than operands. */
  | {
      readonly kind: 'boolean' | 'comparison';
      readonly operators: readonly string[];
      readonly operands: readonly Expression[];
    }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly value: Expression;
      readonly otherwise: Expression;
    }
  | {
      readonly kind: 'call';
      readonly callee: Expression;
      readonly positional: readonly Expression[];
      readonly keywords: readonly Keyword[];
    }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  /** `text` is how it was written. */
  | {
      readonly kind: 'subscript';
      readonly object: Expression;
      readonly index: Expression;
      readonly text: string;
    }
  /** `from:to:step` in a subscript. */
  | { readonly kind: 'slice'; readonly bounds: readonly (Expression | undefined)[] }
  /** `*items`. */
  | { readonly kind: 'starred'; readonly items: Expression }
  /** Lambdas, comprehensions, f-strings and their like. */
  | { readonly kind: 'other' };

export type Constant =
  | null
  | boolean
  | NumberLiteral
  | Exclude<StringLiteral, { kind: 'format' }>
  | 'ellipsis';

/** An argument of a call that is not positional; without a name it is unpacked (`**other`). */
export interface Keyword {
  readonly name: string | undefined;
  readonly value: Expression;
}
