/**
 * Share of padding in one epoch of SFT, with the micro-batches that a Trainer plans; nothing is computed.
 *
 *     npx tsx bench/padding.ts xlam.jsonl models/Qwen3-0.6B
 *
 * The data may be of any format that `tinystar data convert` reads; of the checkpoint the tokenizer's files are enough.
 */
import { epochBatches, paddingOf, shapesOf, supervisedExamples } from './supervised.ts';

const [, , data, checkpoint] = process.argv;
if (data === undefined || checkpoint === undefined)
  throw new Error('usage: npx tsx bench/padding.ts DATA CHECKPOINT');
const examples = await supervisedExamples(data, checkpoint);
console.log(`${examples.length} prompt trees of ${data}, one epoch`);
for (const rounding of ['coarse', 'fine'] as const) {
  for (const [batch, micro] of [
    [128, 2],
    [128, 8],
    [32, 2],
    [8, 2],
  ] as const) {
    const batches = epochBatches(examples, { batch, micro, rounding });
    const { tokens, padding, rows, rowPadding } = paddingOf(batches);
    const shapes = shapesOf(batches);
    const percent = (share: number): string => `${(100 * share).toFixed(1).padStart(4)}%`;
    console.log(
      `${rounding.padEnd(6)} train_batch_size ${String(batch).padStart(3)}, micro_train_batch_size ${micro}: ` +
        `padding ${percent(padding / tokens)} of ${tokens} tokens, ${percent(rowPadding / rows)} of ${rows} rows; ` +
        `${batches.length} micro-batches of ${shapes} shapes`,
    );
  }
}
