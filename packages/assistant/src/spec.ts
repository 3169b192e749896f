/** A function of the assistant: its names, its parameters and how people ask for it. */
import { z } from 'zod';
import { readPhrases } from '../../../src/base/phrases.ts';
import { functionSchema, type FunctionSource } from './phrases.ts';
import { parseTemplates, type Template } from './template.ts';

export type Kind =
  | { readonly type: 'number'; readonly min: number; readonly max: number; readonly step: number }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  | { readonly type: 'text'; readonly of: string };

export interface Param {
  /** The name that phrases use: the first of the names. */
  readonly key: string;
  readonly names: readonly string[];
  readonly required: boolean;
  readonly kind: Kind;
}

export interface FunctionSpec {
  /** The first name, which tells it from all others. */
  readonly id: string;
  readonly domain: string;
  readonly family: string;
  readonly names: readonly string[];
  readonly descriptions: readonly string[];
  readonly params: readonly Param[];
  readonly train: readonly Template[];
  readonly test: readonly Template[];
  readonly many: readonly Template[];
  readonly manyTest: readonly Template[];
}

function parseKind(text: string): Kind {
  const range = /^(\d+)\.\.(\d+)(?: by (\d+))?$/.exec(text);
  if (range)
    return { type: 'number', min: Number(range[1]), max: Number(range[2]), step: Number(range[3] ?? 1) };
  if (text.includes('/')) return { type: 'choice', values: text.split('/') };
  return { type: 'text', of: text };
}

function parseParam(text: string): Param {
  const [left = '', right = ''] = text.split(':').map((part) => part.trim());
  const required = !left.endsWith('?');
  const names = (required ? left : left.slice(0, -1)).split('|');
  return { key: names[0] ?? '', names, required, kind: parseKind(right) };
}

export function defineFunction(domain: string, source: FunctionSource): FunctionSpec {
  const names = source.names.split('|');
  return {
    id: names[0] ?? '',
    domain,
    family: source.family ?? domain,
    names,
    descriptions: source.description.split('|'),
    params: source.params.map(parseParam),
    train: parseTemplates(source.train),
    test: parseTemplates(source.test),
    many: parseTemplates(source.many ?? ''),
    manyTest: parseTemplates(source.manyTest ?? ''),
  };
}

/** The functions of a phrase file. */
export const domainOf = (domain: string): FunctionSpec[] =>
  readPhrases(import.meta.url, domain, z.array(functionSchema)).map((source) =>
    defineFunction(domain, source),
  );
