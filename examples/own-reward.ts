/**
 * A reward of one's own: to choose the best of several answers, and to learn from. Run: npx tsx examples/own-reward.ts
 *
 * A recipe names this module where it would name a reward (`reward: ./own-reward.js`), and so does
 * `tinystar score --reward ./own-reward.js`.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bases, defineReward, loadModel, loadReward, readTurn, runRecipe } from 'tinystar';

export default defineReward({
  name: 'brief',
  description: 'the right functions, called after a short thought',
  // An answer is given taken apart (calls, a reply, nothing, malformed), the right one likewise.
  scoreAnswer({ generation, answer, gold }) {
    if (answer.kind === 'malformed') return -1;
    if (answer.kind !== 'calls' || gold.kind !== 'calls') return answer.kind === gold.kind ? 1 : 0;
    const wanted = gold.calls.map(({ name }) => name);
    const right = answer.calls.filter(({ name }, i) => name === wanted[i]).length;
    const score = right / Math.max(wanted.length, answer.calls.length);
    const thought = readTurn(generation).message.reasoning?.length ?? 0;
    // The reward is learned from; the score, from 0 to 1, says how right the answer is, for dynamic filtering.
    return { reward: score - thought / 1000, score };
  },
});

const path = fileURLToPath(import.meta.url);

async function main(): Promise<void> {
  const tools = [
    {
      name: 'set_timer',
      description: 'Starts a countdown timer.',
      parameters: { type: 'object', properties: { minutes: { type: 'number' } }, required: ['minutes'] },
    },
  ];
  // The best of eight answers. A task is read once for all of its generations.
  using model = loadModel(bases.teacher);
  const prompt = model.prompt({ messages: [{ role: 'user', content: 'Set a timer for 5 minutes' }], tools });
  const label = '</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 5}}\n</tool_call>';
  const scorer = (await loadReward(path)).prepare({ prompt, label, tools });
  const draws = { n_samples_per_prompt: 8, temperature: 1.6, seed: 1, generate_max_len: 96 };
  const scored: [reward: number, text: string][] = [];
  for await (const { text } of model.generate([prompt], draws))
    scored.push([scorer.score(text).reward, text]);
  for (const [reward, text] of scored.toSorted(([a], [b]) => b - a))
    console.log(reward.toFixed(3), JSON.stringify(text));

  // Two steps of reinforcement learning with it.
  const stage = { name: 'learn', kind: 'simrl', model: 'student', reward: path, steps: 2, lr: 1e-4 } as const;
  const recipe = {
    name: 'brief',
    data: { source: 'assistant', train: 64, test: 8 },
    models: { student: bases.student },
    stages: [{ ...stage, rollout_batch_size: 4, train_batch_size: 16, generate_max_len: 96 }],
  } as const;
  for await (const event of runRecipe(recipe, { runs: mkdtempSync(join(tmpdir(), 'runs-')) }))
    if (event.type === 'step')
      console.log(`step ${event.step}: mean reward ${event.metrics.reward?.toFixed(3)}`);
}

// A run imports this module for its reward alone.
if (process.argv[1] === path) void main();
