/**
 * A small theory of first-order logic: facts about somebody, and rules that hold for everybody, with "and" and "not".
 * A literal that is not known is open, neither true nor false; a negation holds only where it was derived.
 */

/** Somebody has, or has not, a property. */
export interface Literal {
  readonly name: string;
  readonly property: string;
  readonly holds: boolean;
}

/** For everybody: from all of the conditions follows the conclusion. */
export interface Rule {
  readonly when: readonly Omit<Literal, 'name'>[];
  readonly conclusion: Omit<Literal, 'name'>;
}

export interface Theory {
  readonly facts: readonly Literal[];
  readonly rules: readonly Rule[];
}

/** Verdicts on a statement. */
export const VERDICTS = ['true', 'false', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A literal with the rule, by its index, that made it known; a fact has none. */
interface Known {
  readonly literal: Literal;
  readonly rule: number | undefined;
}

const keyOf = ({ name, property }: Pick<Literal, 'name' | 'property'>): string => `${name}/${property}`;

/** All that is known so far, and what follows from it. */
export class Knowledge {
  readonly #rules: readonly Rule[];
  readonly #known = new Map<string, Known>();

  constructor({ facts, rules }: Theory) {
    this.#rules = rules;
    for (const literal of facts) this.#known.set(keyOf(literal), { literal, rule: undefined });
  }

  /** Tells whether somebody is known to have the property, or not to have it; undefined when nothing is known. */
  holds(literal: Pick<Literal, 'name' | 'property'>): boolean | undefined {
    return this.#known.get(keyOf(literal))?.literal.holds;
  }

  /** Verdict of what is known so far on a statement. */
  verdict(statement: Literal): Verdict {
    const known = this.holds(statement);
    if (known === undefined) return 'unknown';
    return known === statement.holds ? 'true' : 'false';
  }

  /** The conditions of a rule that are not known of somebody. */
  missing(rule: Rule, name: string): Literal[] {
    return rule.when
      .map((condition) => ({ ...condition, name }))
      .filter((condition) => this.holds(condition) !== condition.holds);
  }

  /** Adds what a rule says of somebody whose conditions are all known; false when it contradicts what is known. */
  apply(index: number, name: string): boolean {
    const rule = this.#rules[index];
    if (rule === undefined || this.missing(rule, name).length > 0) return false;
    const literal = { ...rule.conclusion, name };
    const before = this.holds(literal);
    if (before === undefined) this.#known.set(keyOf(literal), { literal, rule: index });
    return before === undefined || before === literal.holds;
  }

  /** Derives all that follows; false when the theory contradicts itself. */
  close(names: readonly string[]): boolean {
    for (let size = -1; size !== this.#known.size;) {
      size = this.#known.size;
      for (const name of names)
        for (const [index, rule] of this.#rules.entries())
          if (this.missing(rule, name).length === 0 && !this.apply(index, name)) return false;
    }
    return true;
  }

  /** The rules that lead to what is known of somebody, in the order in which they can be applied. */
  proof(literal: Pick<Literal, 'name' | 'property'>): number[] {
    const rule = this.#known.get(keyOf(literal))?.rule;
    if (rule === undefined) return [];
    const before = (this.#rules[rule]?.when ?? []).flatMap((condition) =>
      this.proof({ ...condition, name: literal.name }),
    );
    return [...new Set([...before, rule])];
  }

  /** Every rule that was applied to somebody, in the order of its application. */
  applied(name: string): number[] {
    return [...this.#known.values()].flatMap(({ literal, rule }) =>
      rule === undefined || literal.name !== name ? [] : [rule],
    );
  }
}
