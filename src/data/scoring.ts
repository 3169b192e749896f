/** Generations in a file, scored line by line: the debugger of rewards. */
import { UserError } from '../base/errors.ts';
import type { ToolFormat } from '../chat/formats/format.ts';
import { readTools, toTools } from '../chat/tool-documents.ts';
import { dumps } from '../json/dumps.ts';
import { isDict, type PyValue } from '../json/python.ts';
import type { Reward, RewardTask, Score, Scorer } from '../rewards/reward.ts';
import type { Row } from './streams/rows.ts';

const LINES = 'every line must be {"prompt", "generation", "label"}';

/** A line of the input as a task with a generation, and a key that is equal for lines of one task. */
function taskOf(value: PyValue | undefined, where: string, format: ToolFormat) {
  if (!isDict(value))
    throw new UserError('DATA_LINE', `${where} is no JSON object; ${LINES}: correct or remove it.`);
  const text = (key: string): string => {
    const given = value.get(key);
    if (typeof given === 'string') return given;
    throw new UserError('DATA_LINE', `${where} has no text "${key}"; ${LINES}: correct or remove it.`);
  };
  const [prompt, generation, label] = [text('prompt'), text('generation'), text('label')];
  const given = value.get('tools');
  if (given === undefined && format.tools === undefined) {
    throw new UserError(
      'DATA_LINE',
      `${where} has no "tools", and prompts of ${format.name} do not show them in a form that can be read back; add "tools", a list of functions.`,
    );
  }
  const tools = given === undefined ? {} : { tools: toTools(readTools(given)) };
  const key = [prompt, label, given === undefined ? '' : dumps(given)].join('\0');
  const task: RewardTask = { prompt, label, format, ...tools };
  return { task, generation, key };
}

/**
 * Scores rows of {prompt, generation, label} and, where the prompt does not show them, tools, in one format of calls; other keys are
 * ignored. Neighbours of one task share one scorer; `problems` are faults of its tools or its label. Throws a UserError for a
 * row that is something else.
 */
export async function* scoreRows<Detail>(
  rows: AsyncIterable<Row>,
  reward: Reward<Detail>,
  format: ToolFormat,
) {
  let last: { key: string; scorer: Scorer<Detail> } | undefined;
  for await (const { where, value, problem } of rows) {
    if (problem !== undefined) throw new UserError('DATA_LINE', `${where}: ${problem.message}`);
    const { task, generation, key } = taskOf(value, where, format);
    if (last?.key !== key) last = { key, scorer: reward.prepare(task) };
    yield { where, score: last.scorer.score(generation), problems: last.scorer.problems };
  }
}

export function scoreLine({ reward, format, answer, detail }: Score<unknown>): string {
  return JSON.stringify({ reward, format, answer, detail });
}
