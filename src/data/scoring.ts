/** Generations in a file, scored line by line: the debugger of rewards. */
import { UserError } from '../base/errors.ts';
import { isDict, type PyValue } from '../json/python.ts';
import type { Reward, Score, Scorer } from '../rewards/reward.ts';
import type { Row } from './streams/rows.ts';

/** A line of the input. */
interface Sample {
  readonly prompt: string;
  readonly generation: string;
  readonly label: string;
}

export interface ScoredRow<Detail> {
  /** File and line. */
  readonly where: string;
  readonly score: Score<Detail>;
  /** Faults of the prompt's tools or the label. */
  readonly problems: readonly string[];
}

function sampleOf(value: PyValue | undefined, where: string): Sample {
  const fields = isDict(value) ? value : undefined;
  const [prompt, generation, label] = ['prompt', 'generation', 'label'].map((key) => {
    const text = fields?.get(key);
    if (typeof text === 'string') return text;
    const fault = fields === undefined ? 'is no JSON object' : `has no text "${key}"`;
    throw new UserError(
      'DATA_LINE',
      `${where} ${fault}; every line must be {"prompt", "generation", "label"}: correct or remove it.`,
    );
  });
  return { prompt: prompt ?? '', generation: generation ?? '', label: label ?? '' };
}

/**
 * Scores rows of {prompt, generation, label}; other keys are ignored. Neighbours that share prompt and label share one scorer. Throws a
 * UserError for a row that is something else.
 */
export async function* scoreRows<Detail>(
  rows: AsyncIterable<Row>,
  reward: Reward<Detail>,
): AsyncGenerator<ScoredRow<Detail>> {
  let task: Sample | undefined;
  let scorer: Scorer<Detail> | undefined;
  let problems: readonly string[] = [];
  for await (const { where, value, problem } of rows) {
    if (problem !== undefined) throw new UserError('DATA_LINE', `${where}: ${problem.message}`);
    const sample = sampleOf(value, where);
    if (scorer === undefined || task?.prompt !== sample.prompt || task.label !== sample.label) {
      scorer = reward.prepare({ prompt: sample.prompt, label: sample.label });
      problems = scorer.problems;
    }
    task = sample;
    yield { where, score: scorer.score(sample.generation), problems };
  }
}

/** One line of the output. */
export function scoreLine({ reward, format, answer, detail }: Score<unknown>): string {
  return JSON.stringify({ reward, format, answer, detail });
}
