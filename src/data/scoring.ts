/** Generations in a file, scored line by line: the debugger of rewards. */
import { UserError } from '../base/errors.ts';
import { isDict, type PyValue } from '../json/python.ts';
import type { Reward, Score, Scorer } from '../rewards/reward.ts';
import type { Row } from './streams/rows.ts';

export interface ScoredRow<Detail> {
  /** File and line. */
  readonly where: string;
  readonly score: Score<Detail>;
  /** Faults of the prompt's tools or the label. */
  readonly problems: readonly string[];
}

/** The texts of a line of the input. */
function textsOf(
  value: PyValue | undefined,
  where: string,
): [prompt: string, generation: string, label: string] {
  const text = (key: string): string => {
    const given = isDict(value) ? value.get(key) : undefined;
    if (typeof given === 'string') return given;
    throw new UserError(
      'DATA_LINE',
      `${where} ${isDict(value) ? `has no text "${key}"` : 'is no JSON object'}; every line must be {"prompt", "generation", "label"}: correct or remove it.`,
    );
  };
  return [text('prompt'), text('generation'), text('label')];
}

/**
 * Scores rows of {prompt, generation, label}; other keys are ignored. Neighbours that share prompt and label share one scorer. Throws a
 * UserError for a row that is something else.
 */
export async function* scoreRows<Detail>(
  rows: AsyncIterable<Row>,
  reward: Reward<Detail>,
): AsyncGenerator<ScoredRow<Detail>> {
  let last:
    | { prompt: string; label: string; scorer: Scorer<Detail>; problems: readonly string[] }
    | undefined;
  for await (const { where, value, problem } of rows) {
    if (problem !== undefined) throw new UserError('DATA_LINE', `${where}: ${problem.message}`);
    const [prompt, generation, label] = textsOf(value, where);
    if (last?.prompt !== prompt || last.label !== label) {
      const scorer = reward.prepare({ prompt, label });
      last = { prompt, label, scorer, problems: scorer.problems };
    }
    yield { where, score: last.scorer.score(generation), problems: last.problems };
  }
}

/** One line of the output. */
export function scoreLine({ reward, format, answer, detail }: Score<unknown>): string {
  return JSON.stringify({ reward, format, answer, detail });
}
