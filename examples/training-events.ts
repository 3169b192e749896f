/**
 * A recipe run from a program, its events consumed as they come. Run: npx tsx examples/training-events.ts
 *
 * A recipe is what recipes/*.yaml hold, as an object or as the path of such a file: models, data, and stages that hand
 * on what they make. Here a student learns for some steps, and is measured before and after.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bases, type RecipeInput, reportOf, runRecipe } from 'tinystar';

const recipe: RecipeInput = {
  name: 'first-steps',
  // The project's own generator of requests to an on-device assistant; `source: file` takes JSONL files of yours.
  data: { source: 'assistant', train: 64, test: 16 },
  models: { student: bases.student },
  stages: [
    { name: 'learn', kind: 'sft', model: 'student', lr: 1e-3, train_batch_size: 16, max_epochs: 1 },
    { name: 'measure', kind: 'eval', models: { base: 'student', sft: 'learn' }, generate_max_len: 96 },
  ],
};

const runs = mkdtempSync(join(tmpdir(), 'runs-'));
// Ctrl-C stops after the current step, with a checkpoint; to run the recipe again is to resume it.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

for await (const event of runRecipe(recipe, { runs, signal: stop.signal })) {
  switch (event.type) {
    case 'stage':
      console.log(`${event.stage} (${event.kind}) begins: ${event.total} steps`);
      break;
    case 'step':
      console.log(`  ${event.step}/${event.total}`, event.metrics.loss ?? event.metrics.exact_match);
      break;
    case 'sample':
      console.log(`  ${event.samples.length} samples, the first earned ${event.samples[0]?.reward}`);
      break;
    case 'warning':
      console.log(`  note: ${event.text}`);
      break;
    case 'done':
      console.log(`${event.stage} is done after ${event.seconds.toFixed(1)} s`, event.outputs);
      break;
    default:
  }
}
console.log('report:', await reportOf(join(runs, recipe.name)));
