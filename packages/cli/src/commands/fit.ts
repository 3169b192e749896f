/** `tinystar fit`: from a project's functions and examples to a student that calls them, and the answer how well. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Answered } from '../../../fit/src/acceptance/answers.ts';
import { readExamples } from '../../../fit/src/examples.ts';
import { moreCases, type ProjectCases } from '../../../fit/src/fit/cases.ts';
import { casesOf } from '../../../fit/src/fit/dialogues.ts';
import { checkProject } from '../../../fit/src/fit/fit.ts';
import { fitProject, type Outcome, type OwnTest } from '../../../fit/src/fit/whole.ts';
import { copyProject, openProject } from '../../../fit/src/project.ts';
import { settingsSchema } from '../../../fit/src/settings.ts';
import { type Case, type Project, SPLITS } from '../../../fit/src/types.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { formatBytes, formatCount, formatDuration } from '../../../report/src/numbers.ts';
import { table } from '../../../report/src/table.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { command } from '../command.ts';
import { type CliContext, outStyle } from '../context.ts';
import { follow } from '../execute.ts';
import { answerText } from '../fit-text.ts';
import { type FlagsOf, numberBy, optional, parsed, text, toggle, whole } from '../flags.ts';
import { casesOfProject } from '../worded-anew.ts';

const { minutes, abstain } = settingsSchema.shape;

const flags = {
  minutes: optional(parsed(numberBy(minutes), 'Time for all of it; stages are sized by it', 'N')),
  base: optional(text('Checkpoint folder or GGUF file to start from; default: the shipped student', 'MODEL')),
  layers: optional(whole(1, 'Layers of the base that the student keeps; default: all')),
  bakeTools: toggle(
    'Leave the functions out of the prompts: the student learns them by heart, many times faster, and knows no others',
  ),
  improve: optional(whole(0, 'Rounds in which errors on the dev cases decide which cases are made next')),
  abstain: optional(
    parsed(numberBy(abstain), 'Probability of being right below which words are answered', 'X'),
  ),
  test: optional(text('File of example lines of your own that the verdict is given on', 'FILE')),
  into: optional(
    text('Copy the project into this folder first, if it is not there, and work on the copy', 'DIR'),
  ),
  json: toggle('Print events as JSON lines, and the answer as the last one'),
};
type Given = FlagsOf<typeof flags>;

/** The project with what the command line says in place of its settings. */
function projectOf(
  folder: string,
  { json: _json, base, test, bakeTools, ...given }: Omit<Given, 'into'>,
): Project {
  const project = openProject(folder);
  const place = (path: string): string => (existsSync(path) ? resolve(path) : path);
  const settings = {
    ...project.settings,
    ...given,
    ...(base === undefined ? {} : { base: place(base) }),
    ...(bakeTools ? { prompt_tools: 'none' } : {}),
    ...(test === undefined ? {} : { test: resolve(test) }),
  };
  return { ...project, settings: z.parse(settingsSchema, settings) };
}

/** Tests of a person's own. */
function ownTest({ folder, functions, settings }: Project): OwnTest | undefined {
  if (settings.test === undefined) return undefined;
  const path = resolve(folder, settings.test);
  return { path: basename(path), cases: casesOf(readExamples(path, functions)) };
}

/** Notes that are printed. */
const NOTES = 12;

/** Says where the cases are from, and how many they are. */
function casesText({ notes }: Project, { cases, from, notes: more }: ProjectCases): string {
  const { train, dev, test } = cases;
  const counts = `${train.length} for training, ${dev.length} for development, ${test.length} for tests`;
  const all = [...notes, ...more].map(({ where, text: words }) => `note: ${where} ${words}\n`);
  const rest = all.length > NOTES ? `note: ${all.length - NOTES} more, which tinystar synth prints\n` : '';
  return `${all.slice(0, NOTES).join('')}${rest}cases: ${counts} (${from})\n`;
}

function printed(
  context: CliContext,
  { card, gguf, runs, beside }: Outcome,
  asked: readonly Case[],
  seconds: number,
): string {
  const style = outStyle(context);
  const { latency } = card;
  const facts = [
    ['student', `${gguf}  ${formatCount(card.weights)} weights as ${card.dtype}, ${formatBytes(card.bytes)}`],
    ...(latency === undefined ? [] : [['an answer', `${latency.median.toFixed(0)} ms in llama.cpp`]]),
    ['beside it', 'Modelfile, promptfooconfig.yaml, acceptance.jsonl, README.md'],
    ...(beside.length === 0 ? [] : [['left as it was', `${beside.join(', ')}: ours are called *.new`]]),
    ['runs', runs],
    ['time', formatDuration(seconds)],
  ];
  const request = asked[0]?.request ?? '';
  const line = `tinystar generate ${gguf} ${JSON.stringify(request)} --tools ${join(dirname(gguf), 'functions.json')}`;
  const suites = card.suites.map((suite) => answerText(suite, style)).join('');
  return `${suites}\n${table(facts)}\n${style.bold(card.verdict)}\n\ntry it: ${line}\n`;
}

export const fitCommand = command({
  brief: 'Make a model of your functions, and show how well it calls them',
  about:
    'Takes a project of tinystar init from its examples to a student: cases, settings chosen on development cases, a\n' +
    'teacher, the curriculum (SFT, CKD, Sim-RL), the answer on held-out wordings, and DIR/student.gguf with what it takes\n' +
    'to serve and check it. Re-run the same command to resume.',
  examples: [
    'tinystar fit home',
    'tinystar fit home --minutes 60 --improve 2 --test my-requests.jsonl',
    'tinystar fit home --base models/SmolLM2-135M-Instruct --minutes 120',
  ],
  flags,
  args: [{ brief: 'Folder of the project', placeholder: 'DIR' }],
  async run(context, given, source) {
    const { process, services } = context;
    const started = services.now();
    const { into, ...chosen } = given;
    const folder = into === undefined ? source : copyProject(source, into);
    const project = projectOf(folder, chosen);
    checkProject(project);
    const own = ownTest(project);
    const made = await casesOfProject(context, project);
    const { cases } = made;
    for (const split of SPLITS)
      if (cases[split].length === 0)
        throw new UserError(
          'CASES',
          `There is no ${split} case of ${folder}; write 5 to 10 examples of each function into ${join(folder, 'examples.jsonl')}, and remove ${join(folder, 'cases')} if it is there.`,
        );
    process.stderr.write(casesText(project, made));
    const input = {
      project,
      cases,
      more: (wrong: readonly Answered[], round: number) => moreCases(project, cases, wrong, round),
      runRecipe: services.runRecipe,
      now: services.now,
    };
    let outcome: Outcome | undefined;
    await follow(
      context,
      [],
      async function* (signal): AsyncGenerator<RunEvent> {
        outcome = yield* fitProject(input, own, signal);
      },
      given.json ? (event) => process.stdout.write(`${JSON.stringify(event)}\n`) : undefined,
    );
    if (outcome === undefined) return;
    process.stdout.write(
      given.json
        ? `${JSON.stringify({ type: 'answer', ...outcome })}\n`
        : `\n${printed(context, outcome, cases.test, (services.now() - started) / 1000)}`,
    );
  },
});
