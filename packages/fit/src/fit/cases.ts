/** Cases of a project: those in its folder, or else made of its functions and examples, and written there. */
import { existsSync } from 'node:fs';
import type { Answered } from '../acceptance/answers.ts';
import { caseFile, readCases, writeCases } from '../synth/store.ts';
import { type Synthesis, type SynthesisOptions, synthesise } from '../synth/synthesise.ts';
import { type Case, type Note, type Project, type Split, SPLITS } from '../types.ts';
import { focusOf } from './improve.ts';

export interface ProjectCases {
  readonly cases: Readonly<Record<Split, readonly Case[]>>;
  /** Tells whether they were in the folder. */
  readonly isKept: boolean;
  readonly notes: readonly Note[];
}

const optionsOf = ({ settings }: Project): SynthesisOptions & { readonly size: number } => ({
  seed: settings.seed,
  size: settings.cases,
  irrelevantShare: settings.irrelevant_share,
  devShare: settings.dev_share,
  testShare: settings.test_share,
  refusal: settings.refusal,
});

/** Cases of a project by split. */
export function projectCases(project: Project): ProjectCases {
  const { folder } = project;
  if (SPLITS.some((split) => existsSync(caseFile(folder, split))))
    return { cases: readCases(folder), isKept: true, notes: [] };
  const { notes, ...cases }: Synthesis = synthesise(project, optionsOf(project));
  writeCases(folder, cases);
  return { cases, isKept: false, notes };
}

/** Part of the training cases that a round of improvement adds. */
const ADDED = 0.5;

/** More training cases of what went wrong, none of which is known or held out. */
export function moreCases(
  project: Project,
  { train, dev, test }: ProjectCases['cases'],
  wrong: readonly Answered[],
  round: number,
): Case[] {
  const options = optionsOf(project);
  // Another seed would hold out other wordings.
  const size = Math.round(options.size * (1 + ADDED * (round + 1)));
  const made = synthesise(project, { ...options, size, focus: focusOf(wrong) }).train;
  const known = new Set([...train, ...dev, ...test].map(({ request }) => request.toLowerCase()));
  return made
    .filter(({ request }) => !known.has(request.toLowerCase()))
    .slice(0, Math.round(ADDED * options.size))
    .map((one, i) => ({ ...one, id: `more-${round}-${i + 1}` }));
}
