/** Faults of a recipe, in sentences: where, what stands there, what may stand there. */
import type { z } from 'zod';
import { shortened } from '../base/errors.ts';
import { isFields } from '../json/value.ts';
import { NAME_RULE } from '../stages/stage.ts';
import { choicesOf, rulesAt, rulesText, valueAt } from './rules.ts';
import { nearest, suggestion } from './suggest.ts';
import type { Path } from './tree.ts';

export interface Problem {
  readonly path: Path;
  /** Tells whether the place to show is the key or the value. */
  readonly part: 'key' | 'value';
  readonly text: string;
}

/** `stages.ckd.lr`: list entries go by their name, as in `--set`. */
export function pathText(root: unknown, path: Path): string {
  const words = path.map((segment, i) => {
    const container = valueAt(root, path.slice(0, i));
    const value = valueAt(container, [segment]);
    return Array.isArray(container) && isFields(value) && typeof value['name'] === 'string'
      ? value['name']
      : segment;
  });
  return words.length === 0 ? 'the recipe' : words.join('.');
}

/** `value` as an error shows it: short. */
function shown(value: unknown): string {
  if (value === null) return 'empty';
  if (isFields(value)) return 'a map';
  if (Array.isArray(value) && value.length === 0) return 'an empty list';
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) return 'a list';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return shortened(text, 60);
}

/** The sentences for what zod found wrong in `root`. */
export function schemaProblems(root: unknown, error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(root, issue, []));
}

function issueProblems(root: unknown, issue: z.core.$ZodIssue, prefix: Path): Problem[] {
  const path = [
    ...prefix,
    ...issue.path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment)),
  ];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(root, path, key));
  if (issue.code === 'invalid_key') {
    const text = `the key ${JSON.stringify(path.at(-1))} must be ${NAME_RULE}; rename it.`;
    return [{ path, part: 'key', text }];
  }
  if (issue.code === 'invalid_union') {
    // Of the branches that got into the value, the one with the fewest faults is the one that was meant.
    const [meant] = issue.errors
      .filter((branch) => branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'))
      .toSorted((a, b) => faultCount(a) - faultCount(b));
    if (meant !== undefined) return meant.flatMap((inner) => issueProblems(root, inner, path));
  }
  return [wrongValue(root, path, issue.code === 'custom' ? issue.message : undefined)];
}

const faultCount = (branch: readonly z.core.$ZodIssue[]): number =>
  branch.reduce((sum, inner) => sum + (inner.code === 'unrecognized_keys' ? inner.keys.length : 1), 0);

/** Keys of earlier versions, with the names that they have now. */
const RENAMED: Readonly<Record<string, string>> = { manner: 'rollout_mode' };

function unknownKey(root: unknown, path: Path, key: string): Problem {
  const known = [...new Set(rulesAt(root, path).flatMap((rule) => Object.keys(rule.properties ?? {})))];
  const isStage = path[0] === 'stages' && path.length === 2;
  const kind = isStage ? ` of a ${String(valueAt(root, [...path, 'kind']))} stage` : '';
  const where = pathText(root, [...path, key]);
  const now = Object.hasOwn(RENAMED, key) ? RENAMED[key] : undefined;
  if (now !== undefined && known.includes(now))
    return { path: [...path, key], part: 'key', text: `${where} is called ${now} now; rename the key.` };
  const text = `${where} is not a known key${kind}${suggestion(key, known, 'the keys are')}`;
  return { path: [...path, key], part: 'key', text };
}

function wrongValue(root: unknown, path: Path, custom: string | undefined): Problem {
  const value = valueAt(root, path);
  const rules = rulesAt(root, path);
  const name = pathText(root, path);
  const wanted = custom ?? rulesText(rules);
  if (value === undefined) return { path, part: 'key', text: `${name} is missing; it must be ${wanted}.` };
  const near = typeof value === 'string' ? nearest(value, choicesOf(rules)) : undefined;
  const hint = near === undefined ? '.' : `; did you mean ${near}?`;
  return { path, part: 'value', text: `${name} is ${shown(value)} and must be ${wanted}${hint}` };
}
