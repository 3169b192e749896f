/** Cases of a project: those in its folder, or else made of its functions and examples, and written there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomic } from '../../../../src/base/files.ts';
import { contentsOf, identityOf } from '../../../../src/base/identity.ts';
import { readJson } from '../../../../src/base/json-file.ts';
import type { Answered } from '../acceptance/answers.ts';
import type { SynthesisOptions } from '../synth/settings.ts';
import { caseFile, type Cases, keepEarlier, readCases, writeCases } from '../synth/store.ts';
import { type Synthesis, synthesise } from '../synth/synthesise.ts';
import { type Case, type Note, type Project, type Split, SPLITS } from '../types.ts';
import { focusOf } from './improve.ts';

export interface ProjectCases {
  readonly cases: Readonly<Record<Split, readonly Case[]>>;
  /** Origin, for people. */
  readonly from: string;
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

const recordSchema = z.object({ of: z.string(), files: z.string() });

/** Identity of what cases are made of. */
const sources = (project: Project): string =>
  identityOf([
    project.functions,
    project.examples,
    optionsOf(project),
    ...(project.settings.paraphrase === undefined ? [] : [project.settings.paraphrase]),
  ]);

const filesIdentity = (folder: string): string =>
  identityOf(
    contentsOf(
      folder,
      SPLITS.map((split) => caseFile(folder, split)),
    ),
  );

/**
 * Cases of a project by split; `reword` gives more of those that were made now. Cases that a fit has made are made anew when the project has changed; cases that a person has
 * changed, or had made by `tinystar synth`, stay.
 */
export async function projectCases(
  project: Project,
  reword: (cases: Cases) => Promise<readonly Case[]>,
): Promise<ProjectCases> {
  const { folder } = project;
  const path = join(folder, 'runs', 'cases.json');
  const isThere = SPLITS.some((split) => existsSync(caseFile(folder, split)));
  const record = existsSync(path) ? readJson(path, recordSchema, 'remove it') : undefined;
  const of = sources(project);
  const isOwn = record?.files !== filesIdentity(folder);
  if (isThere && (isOwn || record?.of === of)) {
    const isOlder = record !== undefined && record.of !== of;
    const from = `those in ${join(folder, 'cases')}${isOlder ? ', which you have changed: what has changed in the project since is not in them (tinystar synth makes new ones)' : ''}`;
    return { cases: readCases(folder), from, notes: [] };
  }
  const { notes, train, dev, test }: Synthesis = synthesise(project, optionsOf(project));
  const cases = { train: [...train, ...(await reword({ train, dev, test }))], dev, test };
  if (isThere) keepEarlier(folder, cases);
  writeCases(folder, cases);
  writeAtomic(path, `${JSON.stringify({ of, files: filesIdentity(folder) })}\n`);
  return { cases, from: `made, and written to ${join(folder, 'cases')}`, notes };
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
  const held = new Set([...dev, ...test].map(({ wording }) => wording));
  const known = new Set([...train, ...dev, ...test].map(({ request }) => request.toLowerCase()));
  return made
    .filter(({ request, wording }) => !known.has(request.toLowerCase()) && !held.has(wording))
    .slice(0, Math.round(ADDED * options.size))
    .map((one, i) => ({ ...one, id: `more-${round}-${i + 1}` }));
}
