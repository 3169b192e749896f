/** The command line as a whole: commands, how faults are told, exit codes. */
import { inspect } from 'node:util';
import {
  buildApplication,
  buildRouteMap,
  FlagNotFoundError,
  type RouteMap,
  type Command,
  run,
  text_en,
} from '@stricli/core';
import { errorText, UserError } from '../../../src/base/errors.ts';
import { withoutSecrets } from '../../../src/base/secrets.ts';
import { CLOSED_PIPE } from '../../../src/base/system-errors.ts';
import { packageVersion } from '../../../src/run/machine.ts';
import type { CliContext } from './context.ts';
import { Interrupted, UNREAD_EXIT } from './context.ts';
import { examples } from './command.ts';

/** Commands by name. A command line loads the one that it names: loading all takes longer than most of them do. */
type Commands = Readonly<
  Record<string, (rest: readonly string[]) => Promise<Command<CliContext> | RouteMap<CliContext>>>
>;

const DATA: Commands = {
  convert: async () => (await import('./commands/data-convert.ts')).dataConvertCommand,
  clean: async () => (await import('./commands/data-clean.ts')).dataCleanCommand,
  label: async () => (await import('./commands/data-label.ts')).dataLabelCommand,
  mix: async () => (await import('./commands/data-mix.ts')).dataMixCommand,
  render: async () => (await import('./commands/data-render.ts')).dataRenderCommand,
  inspect: async () => (await import('./commands/data-inspect.ts')).dataInspectCommand,
  topk: async () => (await import('./commands/data-topk.ts')).dataTopkCommand,
};

const COMMANDS: Commands = {
  init: async () => (await import('./commands/init.ts')).initCommand,
  fit: async () => (await import('./commands/fit.ts')).fitCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  estimate: async () => (await import('./commands/estimate.ts')).estimateCommand,
  eval: async () => (await import('./commands/eval.ts')).evalRoutes,
  generate: async () => (await import('./commands/generate.ts')).generateCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  handover: async () => (await import('./commands/handover.ts')).handoverCommand,
  'serve-rewards': async () => (await import('./commands/serve-rewards.ts')).serveRewardsCommand,
  submit: async () => (await import('./commands/submit.ts')).submitCommand,
  chat: async () => (await import('./commands/chat.ts')).chatCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  prune: async () => (await import('./commands/prune.ts')).pruneCommand,
  pull: async () => (await import('./commands/pull.ts')).pullCommand,
  report: async () => (await import('./commands/report.ts')).reportCommand,
  compare: async () => (await import('./commands/compare.ts')).compareCommand,
  rollouts: async () => (await import('./commands/rollouts.ts')).rolloutsCommand,
  score: async () => (await import('./commands/score.ts')).scoreCommand,
  data: (rest) =>
    routesFor(DATA, rest, {
      brief: 'Prepare data and look at it',
      fullDescription: examples('Prepares data and looks at it.', 'tinystar data inspect --count 2'),
    }),
  synth: async () => (await import('./commands/synth.ts')).synthCommand,
  review: async () => (await import('./commands/review.ts')).reviewCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
};

const DOCS = {
  brief: 'Distil function calling into tiny models',
  fullDescription: examples(
    'Distils function calling from a large teacher into a super-tiny student, from data to a file that runs on a\n' +
      'device. Every command has --help with an example.',
    'tinystar run recipes/tiny-star.yaml',
  ),
};

/** The command that a command line begins with; all of them where it begins with none, for help and suggestions. */
async function routesFor(
  commands: Commands,
  [name = '', ...rest]: readonly string[],
  docs: typeof DOCS,
): Promise<RouteMap<CliContext>> {
  const wanted = Object.entries(commands).filter(
    ([known]) => known === name || !Object.hasOwn(commands, name),
  );
  const loaded = wanted.map(async ([known, load]) => [known, await load(rest)] as const);
  return buildRouteMap<string, CliContext>({ routes: Object.fromEntries(await Promise.all(loaded)), docs });
}

/** Text on standard error for anything that was thrown. */
export function faultText(thrown: unknown, debug: boolean): string {
  const expected = thrown instanceof UserError || thrown instanceof Interrupted;
  if (debug) return withoutSecrets(inspect(thrown));
  if (expected) return withoutSecrets(thrown.message);
  return withoutSecrets(
    `This is a bug in tinystar (${errorText(thrown)}); run the same command with --debug and report what it prints.`,
  );
}

/** Flags of earlier versions, with the names that they have now: those of the recipes' options. */
const RENAMED: Readonly<Record<string, string>> = {
  samples: 'n-samples-per-prompt',
  topk: 'kd-topk',
  'max-tokens': 'generate-max-len',
  'max-prompt-tokens': 'prompt-max-len',
};

function renamedFlag(thrown: unknown): string | undefined {
  const given = thrown instanceof FlagNotFoundError ? thrown.input : '';
  const old = given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.hasOwn(RENAMED, old) ? `--${given} is called --${RENAMED[old]} now.` : undefined;
}

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof Interrupted) return thrown.exitCode;
  return thrown instanceof UserError && thrown.code === CLOSED_PIPE ? UNREAD_EXIT : 1;
}

/**
 * Runs one command line and returns the exit code: 0 done, 1 a fault, 130 stopped by Ctrl-C (129 by the end of its terminal,
 * 143 by SIGTERM), 141 not done because nobody reads its output.
 */
export async function runApp(args: readonly string[], context: CliContext): Promise<number> {
  const debug = args.includes('--debug');
  const app = buildApplication<CliContext>(await routesFor(COMMANDS, args, DOCS), {
    name: 'tinystar',
    versionInfo: { currentVersion: packageVersion() },
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: (thrown) => faultText(thrown, debug),
        exceptionWhileParsingArguments: (thrown, color) =>
          renamedFlag(thrown) ??
          `${withoutSecrets(text_en.exceptionWhileParsingArguments(thrown, color))}\nRun the command with --help to see what it takes.`,
      },
    },
  });
  await run(app, args, context);
  const code = Number(context.process.exitCode ?? 0);
  // Stricli's own faults, such as an unknown flag, are negative.
  return code < 0 ? 1 : code;
}
