/** The categories of BFCL v3: how each is checked, and the groups in which they are named and added up. */
import { UserError } from '../../../../src/base/errors.ts';
import type { CallPattern } from './ast/calls.ts';
import type { LanguageName } from './ast/languages.ts';

/** Rule by which the answers of a category are judged. */
export type Check =
  /** By comparing syntax trees. */
  | { readonly kind: 'ast'; readonly pattern: CallPattern; readonly language: LanguageName }
  /** By whether there is a call at all. */
  | { readonly kind: 'irrelevance' | 'relevance' }
  /** By running the calls. */
  | { readonly kind: 'multi_turn' };

export type Group = 'non_live' | 'live' | 'multi_turn';

export interface CategoryRules {
  readonly group: Group;
  /** Entries in the official files, which weigh the live categories. */
  readonly entries: number;
  readonly check: Check;
}

function ast(
  group: Group,
  entries: number,
  pattern: CallPattern,
  language: LanguageName = 'python',
): CategoryRules {
  return { group, entries, check: { kind: 'ast', pattern, language } };
}

const multiTurn: CategoryRules = { group: 'multi_turn', entries: 200, check: { kind: 'multi_turn' } };

export const CATEGORIES = {
  simple: ast('non_live', 400, 'simple'),
  java: ast('non_live', 100, 'simple', 'java'),
  javascript: ast('non_live', 50, 'simple', 'javascript'),
  multiple: ast('non_live', 200, 'multiple'),
  parallel: ast('non_live', 200, 'parallel'),
  parallel_multiple: ast('non_live', 200, 'parallel'),
  irrelevance: { group: 'non_live', entries: 240, check: { kind: 'irrelevance' } },
  live_simple: ast('live', 258, 'simple'),
  live_multiple: ast('live', 1053, 'multiple'),
  live_parallel: ast('live', 16, 'parallel'),
  live_parallel_multiple: ast('live', 24, 'parallel'),
  live_irrelevance: { group: 'live', entries: 882, check: { kind: 'irrelevance' } },
  live_relevance: { group: 'live', entries: 18, check: { kind: 'relevance' } },
  multi_turn_base: multiTurn,
  multi_turn_miss_func: multiTurn,
  multi_turn_miss_param: multiTurn,
  multi_turn_long_context: multiTurn,
} as const satisfies Record<string, CategoryRules>;

export type Category = keyof typeof CATEGORIES;

export const CATEGORY_NAMES = Object.keys(CATEGORIES) as Category[];

export function isCategory(name: string): name is Category {
  return Object.hasOwn(CATEGORIES, name);
}

/** The category's rules, without the narrow types of the table. */
export function rulesOf(category: Category): CategoryRules {
  return CATEGORIES[category];
}

const GROUPS: Readonly<Record<string, (category: Category) => boolean>> = {
  all: () => true,
  non_live: (category) => rulesOf(category).group === 'non_live',
  live: (category) => rulesOf(category).group === 'live',
  multi_turn: (category) => rulesOf(category).group === 'multi_turn',
  single_turn: (category) => rulesOf(category).group !== 'multi_turn',
};

/** The categories that a list of categories and groups names, in the table's order; throws a UserError for an unknown name. */
export function categoriesNamed(names: readonly string[]): readonly Category[] {
  for (const name of names) {
    if (isCategory(name) || Object.hasOwn(GROUPS, name)) continue;
    throw new UserError(
      'BFCL_CATEGORY',
      `BFCL has no category "${name}"; there are ${CATEGORY_NAMES.join(', ')}, and the groups ${Object.keys(GROUPS).join(', ')}.`,
    );
  }
  return CATEGORY_NAMES.filter((category) =>
    names.some((name) => name === category || GROUPS[name]?.(category) === true),
  );
}
