/** The command line as a whole: commands, how faults are told, exit codes. */
import { buildApplication, buildRouteMap, FlagNotFoundError, run, text_en } from '@stricli/core';
import { errorText, UserError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secrets.ts';
import { CLOSED_PIPE } from '../base/system-errors.ts';
import { packageVersion } from '../run/machine.ts';
import { compareCommand } from './commands/compare.ts';
import { dataCleanCommand } from './commands/data-clean.ts';
import { dataConvertCommand } from './commands/data-convert.ts';
import { dataInspectCommand } from './commands/data-inspect.ts';
import { dataLabelCommand } from './commands/data-label.ts';
import { dataMixCommand } from './commands/data-mix.ts';
import { dataRenderCommand } from './commands/data-render.ts';
import { dataTopkCommand } from './commands/data-topk.ts';
import { doctorCommand } from './commands/doctor.ts';
import { estimateCommand } from './commands/estimate.ts';
import { evalRoutes } from './commands/eval.ts';
import { exportCommand } from './commands/export.ts';
import { generateCommand } from './commands/generate.ts';
import { pullCommand } from './commands/pull.ts';
import { reportCommand } from './commands/report.ts';
import { rolloutsCommand } from './commands/rollouts.ts';
import { runCommand } from './commands/run.ts';
import { scoreCommand } from './commands/score.ts';
import type { CliContext } from './context.ts';
import { Interrupted, UNREAD_EXIT } from './context.ts';
import { examples } from './command.ts';

const routes = buildRouteMap<string, CliContext>({
  routes: {
    run: runCommand,
    estimate: estimateCommand,
    eval: evalRoutes,
    generate: generateCommand,
    export: exportCommand,
    pull: pullCommand,
    report: reportCommand,
    compare: compareCommand,
    rollouts: rolloutsCommand,
    score: scoreCommand,
    data: buildRouteMap<string, CliContext>({
      routes: {
        convert: dataConvertCommand,
        clean: dataCleanCommand,
        label: dataLabelCommand,
        mix: dataMixCommand,
        render: dataRenderCommand,
        inspect: dataInspectCommand,
        topk: dataTopkCommand,
      },
      docs: {
        brief: 'Prepare data and look at it',
        fullDescription: examples('Prepares data and looks at it.', 'tinystar data inspect --count 2'),
      },
    }),
    doctor: doctorCommand,
  },
  docs: {
    brief: 'Distil function calling into tiny models',
    fullDescription: examples(
      'Distils function calling from a large teacher into a super-tiny student, from data to a file that runs on a\n' +
        'device. Every command has --help with an example.',
      'tinystar run recipes/tiny-star.yaml',
    ),
  },
});

/** Text on standard error for anything that was thrown. */
export function faultText(thrown: unknown, debug: boolean): string {
  const expected = thrown instanceof UserError || thrown instanceof Interrupted;
  if (debug) return withoutSecrets(stackOf(thrown));
  if (expected) return withoutSecrets(thrown.message);
  return withoutSecrets(
    `This is a bug in tinystar (${errorText(thrown)}); run the same command with --debug and report what it prints.`,
  );
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? '' : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
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
  const app = buildApplication<CliContext>(routes, {
    name: 'tinystar',
    versionInfo: { currentVersion: packageVersion() },
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: (thrown) => faultText(thrown, debug),
        exceptionWhileLoadingCommandFunction: (thrown) => faultText(thrown, debug),
        exceptionWhileLoadingCommandContext: (thrown) => faultText(thrown, debug),
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
