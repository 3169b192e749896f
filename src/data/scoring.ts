/** Generations in a file, scored line by line: the debugger of rewards. */
import { UserError } from '../base/errors.ts';
import type { ToolFormat } from '../chat/formats/format.ts';
import { readTools, toTools } from '../chat/tool-documents.ts';
import { dumps } from '../json/dumps.ts';
import { isDict, type PyValue } from '../json/python.ts';
import type { Reward, RewardTask, Score, Scorer } from '../rewards/reward.ts';
import type { Row } from './streams/rows.ts';

const LINES = 'every line must be {"prompt", "generation", "label"}';

export interface ScoredRow<Detail> {
  readonly where: string;
  readonly score: Score<Detail>;
  /** Faults of the prompt's tools or the label. */
  readonly problems: readonly string[];
}

/** A line of the input, and a text that is equal for lines of one task. */
interface Task {
  readonly task: RewardTask;
  readonly generation: string;
  readonly key: string;
}

function taskOf(value: PyValue | undefined, where: string, format: ToolFormat): Task {
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
  return { task: { prompt, label, format, ...tools }, generation, key };
}

/**
 * Scores rows of {prompt, generation, label} and, where the prompt does not show them, tools, in one format of calls; other keys are
 * ignored. Neighbours of one task share one scorer. Throws a UserError for a row that is something else.
 */
export async function* scoreRows<Detail>(
  rows: AsyncIterable<Row>,
  reward: Reward<Detail>,
  format: ToolFormat,
): AsyncGenerator<ScoredRow<Detail>> {
  let last: { key: string; scorer: Scorer<Detail>; problems: readonly string[] } | undefined;
  for await (const { where, value, problem } of rows) {
    if (problem !== undefined) throw new UserError('DATA_LINE', `${where}: ${problem.message}`);
    const { task, generation, key } = taskOf(value, where, format);
    if (last?.key !== key) {
      const scorer = reward.prepare(task);
      last = { key, scorer, problems: scorer.problems };
    }
    yield { where, score: last.scorer.score(generation), problems: last.problems };
  }
}

export function scoreLine({ reward, format, answer, detail }: Score<unknown>): string {
  return JSON.stringify({ reward, format, answer, detail });
}
