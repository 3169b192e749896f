/**
 * A loss of one's own, and a training loop of one's own. Run: npx tsx examples/own-loss.ts
 *
 * The loss is focal cross-entropy, -(1 - p)^gamma log p: tokens that the model knows already count less (Lin et al.,
 * arXiv 1708.02002). A loss is a graph that is built once and run on the device many times; gradients come by themselves.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bases,
  defineLoss,
  type Dialogue,
  negativeLogLikelihood,
  openTrainer,
  ops,
  type RowObjective,
  weighted,
} from 'tinystar';
import { z } from 'zod';

const focal = defineLoss(
  {
    // Options are zod schemas, with their defaults.
    options: { gamma: z.number().min(0).default(2) },
    // Metrics that are logged beside the loss have to be declared.
    metrics: { ce: { unit: 'nats per token', meaning: 'cross-entropy without the focus' } },
  },
  ({ gamma }): Omit<RowObjective, 'metrics'> => ({
    name: 'focal',
    rowwise: true,
    inputs: {},
    // Rows are predicted tokens: R of them, each with logits over the vocabulary V.
    build(g, rows, inputs) {
      const nll = negativeLogLikelihood(g, rows, inputs); // [1, R]
      const unknown = ops.scale(g, ops.exp(g, ops.scale(g, nll, -1)), -1, 1); // 1 - p, [1, R]
      const focus = ops.exp(g, ops.scale(g, ops.log(g, ops.clamp(g, unknown, 1e-6, 1)), gamma));
      // `weighted` sums over rows, so that the loss is the mean over all tokens of the step.
      return {
        loss: weighted(g, inputs, ops.mul(g, focus, nll)), // [1]
        parts: { ce: weighted(g, inputs, ops.detach(nll)) },
      };
    },
  }),
);

const tools = [
  {
    name: 'water_plant',
    description: 'Waters a plant.',
    parameters: { type: 'object', properties: { plant: { type: 'string' } }, required: ['plant'] },
  },
];
// The last message of a dialogue is the right answer. Dialogues with the same tools array share their prompt.
const dialogues = ['fern', 'cactus', 'palm', 'basil', 'orchid', 'ivy'].map((plant): Dialogue => ({
  id: plant,
  category: 'single',
  tools,
  messages: [
    { role: 'user', content: `Water the ${plant}` },
    { role: 'assistant', content: '', toolCalls: [{ name: 'water_plant', arguments: { plant } }] },
  ],
}));

using trainer = openTrainer(bases.student, { loss: focal({ gamma: 2 }), lr: 2e-3 });
for (let step = 1; step <= 8; step++) {
  const { loss, parts, tokens } = await trainer.step(dialogues);
  console.log(
    `step ${step}: loss ${loss.toFixed(4)}, cross-entropy ${parts['ce']?.toFixed(4)}, ${tokens} tokens`,
  );
}

const folder = join(mkdtempSync(join(tmpdir(), 'own-loss-')), 'model');
trainer.save(folder);
console.log(`saved to ${folder}, which loadModel(), transformers and tinystar generate read`);
