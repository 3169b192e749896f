/** `tinystar score`: generations in a file with their rewards, and how each came about. */
import { UserError } from '../../../../src/base/errors.ts';
import { FORMAT_NAMES, formats } from '../../../../src/chat/formats/index.ts';
import { scoreLine, scoreRows } from '../../../../src/data/scoring.ts';
import { fileRows } from '../../../../src/data/streams/rows.ts';
import { formatPercent } from '../../../report/src/numbers.ts';
import { table } from '../../../report/src/table.ts';
import { ANSWER_REWARDS, loadReward } from '../../../../src/rewards/index.ts';
import { command } from '../command.ts';
import { choice, optional, text, toggle } from '../flags.ts';
import { RowOutputs } from '../row-outputs.ts';

export const scoreCommand = command({
  brief: 'Score generations with a reward',
  about:
    'Scores generations and says how each score came about: which call was matched to which gold call, and what each\n' +
    'argument earned.',
  examples: ['tinystar score --reward simrl --input generations.jsonl --output scores.jsonl'],
  flags: {
    reward: text(
      `${ANSWER_REWARDS.join(', ')}, or the path of a module; docs/rewards.md has them all`,
      'NAME',
      'simrl',
    ),
    input: text(
      'Lines of {"prompt", "generation", "label"} and maybe "tools", also packed (.gz), or -',
      'FILE',
    ),
    output: optional(
      text(
        'A line of {"reward", "format", "answer", "detail"} for each; without it the summary alone',
        'FILE',
      ),
    ),
    toolFormat: choice(FORMAT_NAMES, 'How generations, labels and prompts write calls and tools', 'hermes'),
    json: toggle('Print the summary as one JSON object'),
  },
  async run(context, given) {
    const { reward, input, output, toolFormat } = given;
    using rows = new RowOutputs(context, [input], given);
    // `atFault`: lines whose prompt or label is.
    const sums = { reward: 0, answer: 0, wrongForm: 0, best: 0, atFault: 0 };
    let firstProblem: string | undefined;
    const loaded = await loadReward(reward);
    const read = (file: string) => scoreRows(fileRows(file), loaded, formats[toolFormat]);
    for await (const { where, score: scored, problems } of rows.read([input], read)) {
      rows.keep(scoreLine(scored));
      sums.reward += scored.reward;
      sums.answer += scored.answer;
      if (scored.format === -1) sums.wrongForm += 1;
      if (scored.reward === 1) sums.best += 1;
      if (problems[0] !== undefined) {
        sums.atFault += 1;
        firstProblem ??= `${where}: ${problems[0]}`;
      }
    }
    const lines = rows.kept;
    if (lines === 0)
      throw new UserError(
        'DATA_EMPTY',
        `${input} has no line; give one {"prompt", "generation", "label"} a line.`,
      );
    rows.commit();
    const { wrongForm, best, atFault } = sums;
    const [meanReward, meanAnswer] = [sums.reward / lines, sums.answer / lines];
    if (given.json) {
      const counts = { lines, meanReward, meanAnswer, wrongForm, best, atFault };
      const summary = { reward, input, ...(output === undefined ? {} : { output }), ...counts };
      rows.telling.write(`${JSON.stringify({ ...summary, firstProblem: firstProblem ?? null })}\n`);
      return;
    }
    const share = (count: number): string => `${count} (${formatPercent(count / lines)})`;
    const facts = [
      [`mean reward (${reward})`, meanReward.toFixed(4)],
      ['mean answer score', meanAnswer.toFixed(4)],
      ['reward 1', share(best)],
      ['wrong form', share(wrongForm)],
      ...(atFault > 0 ? [['prompt or label at fault', share(atFault)]] : []),
    ];
    const problem = firstProblem === undefined ? '' : `The first fault: ${firstProblem}\n`;
    const where = output === undefined ? 'not kept, as there is no --output' : `in ${rows.name}`;
    rows.telling.write(`${table(facts, ['left', 'right'])}${problem}${lines} scores ${where}.\n`);
  },
});
