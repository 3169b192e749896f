/** `tinystar score`: generations in a file with their rewards, and how each came about. */
import { statSync } from 'node:fs';
import { buildCommand } from '@stricli/core';
import { STANDARD } from '../../base/destination.ts';
import { UserError } from '../../base/errors.ts';
import { ANSWER_REWARDS, loadReward } from '../../rewards/index.ts';
import type { CliContext } from '../context.ts';
import { debugFlag, examples } from '../flags.ts';
import { checkOutputs, outputName, tellingStream } from '../outputs.ts';
import { RowCounter } from '../row-counter.ts';
import { table } from '../../report/table.ts';

interface Flags {
  readonly reward: string;
  readonly input: string;
  readonly output?: string;
  readonly json: boolean;
  readonly debug: boolean;
}

/** What is said at the end. */
class Summary {
  lines = 0;
  reward = 0;
  answer = 0;
  wrongForm = 0;
  best = 0;
  /** Lines whose prompt or label is at fault. */
  atFault = 0;
  firstProblem: string | undefined;

  add(score: { readonly reward: number; readonly format: 1 | -1; readonly answer: number }): void {
    this.lines += 1;
    this.reward += score.reward;
    this.answer += score.answer;
    if (score.format === -1) this.wrongForm += 1;
    if (score.reward === 1) this.best += 1;
  }

  addProblems(where: string, problems: readonly string[]): void {
    const [first] = problems;
    if (first === undefined) return;
    this.atFault += 1;
    this.firstProblem ??= `${where}: ${first}`;
  }

  json({ reward, input, output }: Flags): string {
    const { lines, wrongForm, best, atFault, firstProblem } = this;
    const [meanReward, meanAnswer] = [this.reward / lines, this.answer / lines];
    const counts = {
      lines,
      meanReward,
      meanAnswer,
      wrongForm,
      best,
      atFault,
      firstProblem: firstProblem ?? null,
    };
    return JSON.stringify({ reward, input, ...(output === undefined ? {} : { output }), ...counts });
  }

  text({ reward, output }: Flags): string {
    const share = (count: number): string => `${count} (${((100 * count) / this.lines).toFixed(1)}%)`;
    const rows = [
      [`mean reward (${reward})`, (this.reward / this.lines).toFixed(4)],
      ['mean answer score', (this.answer / this.lines).toFixed(4)],
      ['reward 1', share(this.best)],
      ['wrong form', share(this.wrongForm)],
      ...(this.atFault > 0 ? [['prompt or label at fault', share(this.atFault)]] : []),
    ];
    const problem = this.firstProblem === undefined ? '' : `The first fault: ${this.firstProblem}\n`;
    const where = output === undefined ? 'not kept, as there is no --output' : `in ${outputName(output)}`;
    return `${table(rows, ['left', 'right'])}${problem}${this.lines} scores ${where}.\n`;
  }
}

/** The size for the bar; a file that cannot be looked at is told of when it is read. */
function sizeOf(path: string): number {
  return path === STANDARD ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
}

async function score(this: CliContext, flags: Flags): Promise<void> {
  const { input, output: target } = flags;
  checkOutputs([input], { output: target });
  const [{ LineWriter }, { scoreLine, scoreRows }, { fileRows }] = await Promise.all([
    import('../../base/line-writer.ts'),
    import('../../data/scoring.ts'),
    import('../../data/streams/rows.ts'),
  ]);
  using output = target === undefined ? undefined : new LineWriter(target);
  using counter = new RowCounter(this, sizeOf(input));
  const summary = new Summary();
  const rows = fileRows(input, (bytes) => counter.setBytes(bytes));
  for await (const { where, score: scored, problems } of scoreRows(rows, await loadReward(flags.reward))) {
    counter.add();
    summary.add(scored);
    summary.addProblems(where, problems);
    output?.write(scoreLine(scored));
  }
  counter[Symbol.dispose]();
  if (summary.lines === 0)
    throw new UserError(
      'DATA_EMPTY',
      `${input} has no line; give one {"prompt", "generation", "label"} a line.`,
    );
  output?.commit();
  tellingStream(this, { output: target }).write(
    flags.json ? `${summary.json(flags)}\n` : summary.text(flags),
  );
}

export const scoreCommand = buildCommand<Flags, [], CliContext>({
  func: score,
  parameters: {
    flags: {
      reward: {
        kind: 'parsed',
        parse: String,
        brief: `${ANSWER_REWARDS.join(', ')}, or the path of a module; docs/rewards.md has them all`,
        default: 'simrl',
        placeholder: 'NAME',
      },
      input: {
        kind: 'parsed',
        parse: String,
        brief: 'Lines of {"prompt", "generation", "label"}, also packed (.gz), or -',
        placeholder: 'FILE',
      },
      output: {
        kind: 'parsed',
        parse: String,
        brief: 'A line of {"reward", "format", "answer", "detail"} for each; without it the summary alone',
        optional: true,
        placeholder: 'FILE',
      },
      json: {
        kind: 'boolean',
        brief: 'Print the summary as one JSON object',
        default: false,
        withNegated: false,
      },
      debug: debugFlag,
    },
  },
  docs: {
    brief: 'Score generations with a reward',
    fullDescription: examples(
      'Scores generations and says how each score came about: which call was matched to which gold call, and what each\n' +
        'argument earned.',
      'tinystar score --reward simrl --input generations.jsonl --output scores.jsonl',
    ),
  },
});
