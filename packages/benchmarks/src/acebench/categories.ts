/** The parts of the benchmark that are asked in one turn: twelve normal ones and three special ones. Agents are left out. */
import type { SpecialKind } from './special.ts';

export type Category =
  | {
      readonly kind: 'normal';
      readonly name: string;
      /** A dialogue's turns are entries of their own, and the dialogue counts as right if all of them are. */
      readonly isDialogue: boolean;
    }
  | { readonly kind: 'special'; readonly name: SpecialKind; readonly isDialogue: false };

const normal = (name: string, isDialogue = false): Category => ({ kind: 'normal', name, isDialogue });
const special = (name: SpecialKind): Category => ({ kind: 'special', name, isDialogue: false });

/** In the order of the tables. */
export const CATEGORIES: readonly Category[] = [
  normal('single_turn_single_function'),
  normal('single_turn_parallel_function'),
  normal('multi_turn_user_adjust', true),
  normal('multi_turn_user_switch', true),
  normal('similar_api'),
  normal('preference'),
  normal('atom_bool'),
  normal('atom_enum'),
  normal('atom_number'),
  normal('atom_list'),
  normal('atom_object_short'),
  normal('atom_object_deep'),
  special('incomplete'),
  special('error_param'),
  special('irrelevant'),
];

/** The categories that a list of names asks for; `normal` and `special` stand for all of theirs. */
export function categoriesNamed(names: readonly string[]): { found: readonly Category[]; unknown: string[] } {
  const found = CATEGORIES.filter(({ name, kind }) => names.includes(name) || names.includes(kind));
  const known = new Set(CATEGORIES.flatMap(({ name, kind }): string[] => [name, kind]));
  return { found, unknown: names.filter((name) => !known.has(name)) };
}
