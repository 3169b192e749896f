/** Word problems, solved with MENTOR's twelve arithmetic functions; level n takes n calls, each on the result before. */
import { defineEnvironment } from '../environment.ts';
import { drawProblems } from '../splits.ts';
import { DOMAINS } from './domains.ts';
import { tellStory } from './story.ts';
import { ARITHMETIC_TOOLS } from './tools.ts';

const LEVELS = [1, 2, 3, 4] as const;
/** Transfer is about other things, and its stories are no shorter than two calls. */
const TRANSFER_LEVELS = [2, 3, 4, 5] as const;

export const arithmetic = defineEnvironment({
  name: 'arithmetic',
  description: 'word problems with twelve arithmetic functions',
  tools: ARITHMETIC_TOOLS,
  problems: (request) =>
    drawProblems(request, (rng, index, split) => {
      const levels = split === 'transfer' ? TRANSFER_LEVELS : LEVELS;
      const level = levels[index % levels.length] ?? 1;
      const domain = rng.pick(DOMAINS[split === 'transfer' ? 'transfer' : 'train']);
      const story = tellStory(rng, domain, level);
      if (story === undefined) return undefined;
      const { text, answer, steps } = story;
      return { category: `${domain.name}/${level}`, question: text, answer, setting: {}, solution: steps };
    }),
});
