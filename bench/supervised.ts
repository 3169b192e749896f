/** A data set's gold answers as SFT learns from them, for what is measured of its lengths. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatTemplate } from '../src/chat/template.ts';
import { Tokenizer } from '../src/chat/tokenizer.ts';
import { convertRows } from '../src/data/convert.ts';
import { recordLine } from '../src/data/record.ts';
import { readDialogues } from '../src/data/reading.ts';
import { groupByTools } from '../src/data/dialogues.ts';
import { fileRows } from '../src/data/streams/rows.ts';
import { GROUP_LIMIT } from '../src/stages/lessons.ts';
import { tokenCount } from '../src/model/tree/tree.ts';
import { exampleTokens, rowCount, type TrainExample } from '../src/train/examples.ts';
import { type MicroBatch, planMicroBatches, type Rounding } from '../src/train/micro-batches.ts';
import { groupExample } from '../src/train/shared-prefix.ts';
import { epochOrder } from '../src/train/supervised.ts';

/** Examples of a file in any format that `data convert` reads, under the tokenizer and template of a checkpoint. */
export async function supervisedExamples(data: string, checkpoint: string): Promise<TrainExample[]> {
  const tokenizer = Tokenizer.load(checkpoint);
  const lines: string[] = [];
  for await (const row of convertRows(fileRows(data)))
    if ('record' in row) lines.push(recordLine(row.record));
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-supervised-'));
  try {
    const records = join(scratch, 'records.jsonl');
    writeFileSync(records, `${lines.join('\n')}\n`);
    const dialogues = readDialogues(records);
    return groupByTools(dialogues, GROUP_LIMIT).map(({ start, count }) =>
      groupExample(Array.from(dialogues.slice(start, start + count)), {
        tokenizer,
        template: ChatTemplate.of(tokenizer),
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Of stages/training.ts. */
const MAX_TOKENS = 4096;
const SEED = 1;

/** Every micro-batch of an epoch of `batch` examples a step. */
export function epochBatches(
  examples: readonly TrainExample[],
  options: { batch: number; micro: number; rounding: Rounding },
): MicroBatch[] {
  const { batch, micro: maxPrompts, rounding } = options;
  const order = epochOrder(examples.length, SEED);
  return Array.from({ length: Math.floor(examples.length / batch) }, (_, step) => {
    const own = Array.from({ length: batch }, (__, i) => examples[order(step * batch + i)] ?? []).flat();
    return planMicroBatches(own, { maxTokens: MAX_TOKENS, maxPrompts, workers: 1, rounding });
  }).flat();
}

/** Number of different graphs that micro-batches need. */
export function shapesOf(batches: readonly MicroBatch[]): number {
  return new Set(batches.map(({ layout, rowCapacity }) => [...Object.values(layout), rowCapacity].join()))
    .size;
}

/** Tokens that batches put through the model, and those of them that are padding; the same of rows. */
export function paddingOf(batches: readonly MicroBatch[]): {
  readonly tokens: number;
  readonly padding: number;
  readonly rows: number;
  readonly rowPadding: number;
} {
  const sum = (of: (batch: MicroBatch) => number): number =>
    batches.reduce((total, batch) => total + of(batch), 0);
  const over = (batch: MicroBatch, of: (example: TrainExample) => number): number =>
    batch.examples.reduce((total, example) => total + of(example), 0);
  const [tokens, rows] = [sum(({ layout }) => tokenCount(layout)), sum(({ rowCapacity }) => rowCapacity)];
  return {
    tokens,
    padding: tokens - sum((batch) => over(batch, exampleTokens)),
    rows,
    rowPadding: rows - sum((batch) => over(batch, rowCount)),
  };
}
