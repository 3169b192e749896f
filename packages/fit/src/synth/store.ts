/** The case files of a project: `cases/train.jsonl`, `cases/dev.jsonl` and `cases/test.jsonl`. */
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../../src/base/errors.ts';
import { readText, writeAtomic } from '../../../../src/base/files.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import { type Case, CASE_KINDS, type Split, SPLITS } from '../types.ts';

/** All that a teacher was asked, beside the cases. */
export const PARAPHRASES = 'paraphrases.jsonl';

export type Cases = Readonly<Record<Split, readonly Case[]>>;

/** A request as it is compared with others: its words alone. */
export const requestKey = (request: string): string =>
  request
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Path of a split's file. @public */
export const caseFile = (folder: string, split: Split): string => join(folder, 'cases', `${split}.jsonl`);

const caseSchema = z.strictObject({
  id: z.string(),
  request: z.string(),
  calls: z
    .array(
      z.strictObject({
        name: z.string(),
        arguments: z.custom<JsonObject>(
          (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
        ),
      }),
    )
    .default([]),
  reply: z.string().default(''),
  kind: z.enum(CASE_KINDS),
  wording: z.string(),
  made: z.string(),
});

function lineOf({ id, request, calls, reply, kind, wording, made }: Case): string {
  const answer = calls.length > 0 ? { calls } : { calls, reply };
  return `${JSON.stringify({ id, request, ...answer, kind, made, wording })}\n`;
}

const textOf = (cases: readonly Case[]): string => cases.map(lineOf).join('');

/** Moves the folder of cases aside, where they are others than those to come; returns its new name. */
export function keepEarlier(folder: string, cases: Cases): string | undefined {
  const here = SPLITS.filter((split) => existsSync(caseFile(folder, split)));
  const isSame = (split: Split): boolean => {
    // Wordings of a teacher are added behind those that are made here.
    const text = readText(caseFile(folder, split));
    return (
      text
        .split('\n')
        .filter((line) => !line.includes('"made":"teacher"'))
        .join('\n') === textOf(cases[split])
    );
  };
  if (here.every(isSame)) return undefined;
  let number = 1;
  const name = (): string => join(folder, `cases-${number}`);
  while (existsSync(name())) number++;
  renameSync(join(folder, 'cases'), name());
  // Requests that a teacher was asked need not be asked again.
  if (existsSync(join(name(), PARAPHRASES))) {
    mkdirSync(join(folder, 'cases'));
    copyFileSync(join(name(), PARAPHRASES), join(folder, 'cases', PARAPHRASES));
  }
  return name();
}

/** Training cases of the folder whose wordings are a teacher's. */
export const teacherCases = (folder: string): readonly Case[] =>
  existsSync(caseFile(folder, 'train'))
    ? readCaseFile(caseFile(folder, 'train')).filter(({ made }) => made === 'teacher')
    : [];

/** Writes the three files. */
export function writeCases(folder: string, cases: Cases): void {
  for (const split of SPLITS) writeAtomic(caseFile(folder, split), textOf(cases[split]));
}

/** Reads the cases of one file; throws a UserError with the line that is no case. */
function readCaseFile(path: string): Case[] {
  return readText(path)
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      try {
        return [caseSchema.parse(JSON.parse(line))];
      } catch {
        throw new UserError(
          'CASES',
          `${path}:${i + 1} is not a case; correct the line, or run tinystar synth again.`,
        );
      }
    });
}

/** Reads the three files; throws a UserError where there are none. */
export function readCases(folder: string): Cases {
  const read = (split: Split): Case[] => {
    const path = caseFile(folder, split);
    if (!existsSync(path))
      throw new UserError('CASES', `${path} is not there; run tinystar synth ${folder}.`);
    return readCaseFile(path);
  };
  return { train: read('train'), dev: read('dev'), test: read('test') };
}
