/** `tinystar synth`: the cases of a project, by construction. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readExamples } from '../../../fit/src/examples.ts';
import { openProject } from '../../../fit/src/project.ts';
import { keepEarlier, teacherCases, writeCases } from '../../../fit/src/synth/store.ts';
import { type Synthesis, synthesise } from '../../../fit/src/synth/synthesise.ts';
import { type Case, CASE_KINDS, type Split, SPLITS } from '../../../fit/src/types.ts';
import { shortened, UserError } from '../../../../src/base/errors.ts';
import { headedTable } from '../../../report/src/table.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { numberBy, optional, parsed, text, toggle, whole } from '../flags.ts';
import type { Style } from '../terminal.ts';
import { wordedAnew, wordedText } from '../worded-anew.ts';

const NONE = 'nothing to call';
const functionsOf = ({ calls }: Case): string[] =>
  calls.length === 0 ? [NONE] : [...new Set(calls.map(({ name }) => name))];

/** Numbers of training cases by function and kind; a case of several functions counts for each. */
function countTable(cases: readonly Case[], functions: readonly string[], style: Style): string {
  const row = (name: string, of: readonly Case[]): string[] => [
    name,
    ...CASE_KINDS.map((kind) => String(of.filter((one) => one.kind === kind).length)),
    String(of.length),
  ];
  const rows = [...functions, NONE].map((name) =>
    row(
      name,
      cases.filter((one) => functionsOf(one).includes(name)),
    ),
  );
  return headedTable(['training cases', ...CASE_KINDS, 'all'], [...rows, row('all', cases)], style);
}

/** Answer of a case on one line. */
function answerOf({ calls, reply }: Case): string {
  const written = calls.map(
    ({ name, arguments: args }) =>
      `${name}(${Object.entries(args)
        .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
        .join(', ')})`,
  );
  return calls.length === 0 ? `"${reply}"` : written.join(', ');
}

/** Some cases of each kind, of different ways in which they came about. */
function sampleText(cases: readonly Case[], count: number, style: Style): string {
  return CASE_KINDS.map((kind) => {
    const among = cases.filter((one) => one.kind === kind);
    // Neighbours are of the same sources less often than not: every k-th is a fair sample.
    const step = Math.max(1, Math.floor(among.length / count));
    const lines = among
      .filter((_, i) => i % step === step - 1)
      .slice(0, count)
      .map(
        (one) => `  ${one.request}\n    ${style.dim(`${shortened(answerOf(one), 140)}  (${one.made})`)}\n`,
      );
    return among.length === 0 ? '' : `${style.bold(kind)}\n${lines.join('')}`;
  }).join('');
}

/** Leak check in a sentence. */
function leakText({ leaks }: Synthesis, style: Style): string {
  const { wordings, requests, templates, leftOut } = leaks;
  const isClean = wordings + requests + templates === 0;
  const text = isClean
    ? `no wording, request or request but for its values stands in two splits (${leftOut} were left out for it)`
    : `${wordings} wordings, ${requests} requests and ${templates} requests but for their values stand in two splits`;
  return `leak check: ${isClean ? style.good(text) : style.bad(text)}\n`;
}

/** Prices of a million tokens, read and written. */
function priceOf(given: string): readonly [read: number, written: number] {
  const prices = given.split(',').map(Number);
  const [read, written] = prices;
  if (prices.length !== 2 || read === undefined || written === undefined || !prices.every((one) => one >= 0))
    throw new UserError('FLAG', 'must be two numbers with a comma between them, such as 0.1,0.4');
  return [read, written];
}

const flags = {
  size: optional(whole(50, 'Training cases; default: the setting cases of fit.yaml')),
  seed: optional(whole(0, 'Seed; default: the setting of fit.yaml')),
  show: whole(0, 'Cases of each kind that are printed', 4),
  teacher: optional(
    text(
      'Address of an OpenAI-compatible server that words cases anew; default: the setting paraphrase',
      'URL',
    ),
  ),
  served: optional(text("Name of the teacher's model; without it, the first that the server lists", 'NAME')),
  max_tokens: optional(whole(1, 'Tokens that the teacher may read and write in all; default: 500000')),
  max_cost: optional(parsed(numberBy(z.number().positive()), 'Money that it may cost, with --price', 'X')),
  price: optional(
    parsed(priceOf, 'Price of a million tokens that it reads, and that it writes, such as 0.1,0.4', 'IN,OUT'),
  ),
  test: optional(
    text('Example lines of your own for the verdict: no wording of theirs is in any case', 'FILE'),
  ),
  json: toggle('Print the counts as one JSON object'),
};
export const synthCommand = command({
  brief: "Make the training, development and test cases of a project's functions",
  about:
    "Makes cases that are right by construction: of the examples' wordings with other values, phrases for common jobs, and the\n" +
    "functions' own words; single calls, several, none, missing values, corrections, negations, typos. Wordings are divided into\n" +
    'training, development and test before anything is made of them. The same input gives the same files. Cases that are there\n' +
    'already are kept beside the new ones.',
  examples: [
    'tinystar synth home',
    'tinystar synth home --size 8000 --show 10',
    'tinystar synth home --teacher http://localhost:8080 --max-tokens 200000',
  ],
  flags,
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, given, folder) {
    const { size, seed, show, json } = given;
    const { stdout } = context.process;
    const project = openProject(folder);
    const { settings } = project;
    const test = given.test === undefined ? settings.test : resolve(given.test);
    const made = synthesise(project, {
      seed: seed ?? settings.seed,
      size: size ?? settings.cases,
      irrelevantShare: settings.irrelevant_share,
      devShare: settings.dev_share,
      testShare: test === undefined ? settings.test_share : 0,
      held: test === undefined ? [] : readExamples(resolve(folder, test), project.functions),
      refusal: settings.refusal,
    });
    const before = teacherCases(folder);
    const earlier = keepEarlier(folder, made);
    const known = earlier === undefined ? before : [];
    writeCases(folder, { ...made, train: [...made.train, ...known] });
    const worded = await wordedAnew(context, given, project, made);
    const train = [...made.train, ...(worded?.cases ?? known)];
    if (worded !== undefined) writeCases(folder, { ...made, train });
    const style = outStyle(context);
    const names = project.functions.map(({ name }) => name);
    if (json) {
      const count = (split: Split): Record<string, number> =>
        Object.fromEntries(
          CASE_KINDS.map((kind) => [
            kind,
            (split === 'train' ? train : made[split]).filter((one) => one.kind === kind).length,
          ]),
        );
      const counts = Object.fromEntries(SPLITS.map((split) => [split, count(split)]));
      const notes = [...project.notes, ...made.notes];
      stdout.write(
        `${JSON.stringify({ folder, counts, leaks: made.leaks, notes, earlier, ...(worded && { teacher: { ...worded, cases: worded.cases.length } }) })}\n`,
      );
      return;
    }
    stdout.write(`${sampleText(train, show, style)}\n${countTable(train, names, style)}\n`);
    for (const { where, text: words } of [...project.notes, ...made.notes])
      stdout.write(`${style.accent('note')} ${where} ${words}\n`);
    if (earlier !== undefined) stdout.write(`The cases that were there are in ${earlier}.\n`);
    if (worded !== undefined) stdout.write(wordedText(worded));
    stdout.write(leakText(made, style));
    const counts = SPLITS.map((split) => `${(split === 'train' ? train : made[split]).length} ${split}`).join(
      ', ',
    );
    stdout.write(`${join(folder, 'cases')}: ${counts}\n`);
  },
});
