/**
 * A reward of one's own, and the best of several answers by it. Run: npx tsx examples/own-reward.ts
 */
import { bases, loadModel, readTurn, type Reward, rewards } from 'tinystar';

/** Sim-RL's reward, less a little for every character that was thought. */
const brief: Reward<{ thought: number }> = {
  name: 'brief',
  description: 'Sim-RL, and short thoughts',
  // A task is read once for all generations of its group.
  prepare(task) {
    const scorer = rewards.simrl.prepare(task);
    return {
      problems: scorer.problems,
      score(generation) {
        const score = scorer.score(generation);
        const thought = readTurn(generation).message.reasoning?.length ?? 0;
        return { ...score, reward: Math.max(-1, score.reward - thought / 1000), detail: { thought } };
      },
    };
  },
};

const tools = [
  {
    name: 'set_timer',
    description: 'Starts a countdown timer.',
    parameters: { type: 'object', properties: { minutes: { type: 'number' } }, required: ['minutes'] },
  },
];
using model = loadModel(bases.teacher);
const prompt = model.prompt({ messages: [{ role: 'user', content: 'Set a timer for 5 minutes' }], tools });
// The right answer, as it stands in training records.
const label = '</think>\n\n<tool_call>\n{"name": "set_timer", "arguments": {"minutes": 5}}\n</tool_call>';
const scorer = brief.prepare({ prompt, label, tools });

const scored: { text: string; reward: number; thought: number }[] = [];
const draws = { n_samples_per_prompt: 8, temperature: 1.6, seed: 1, generate_max_len: 96 };
for await (const { text } of model.generate([prompt], draws)) {
  const { reward, detail } = scorer.score(text);
  scored.push({ text, reward, thought: detail.thought });
}
scored.sort((a, b) => b.reward - a.reward);
for (const { text, reward } of scored) console.log(reward.toFixed(3), JSON.stringify(text));
