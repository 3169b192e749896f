/**
 * An environment of one's own: functions with a state, and problems that are solved with them.
 * Run: npx tsx examples/own-environment.ts
 *
 * A recipe names such a module under `environments`, and stages of the kinds trajectories, mentor and tool_eval have
 * models act in it. Functions run in a worker with limits of time and memory, unless they are trusted.
 */
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { defineEnvironment, openEnvironment } from 'tinystar';

const shelf = defineEnvironment<{ books: number }>({
  name: 'shelf',
  description: 'a shelf of books that can be counted and filled',
  tools: [
    {
      name: 'count',
      description: 'Counts the books on the shelf.',
      parameters: { type: 'object', properties: {}, required: [] },
      run: (_, shelfNow) => shelfNow.books,
    },
    {
      name: 'add',
      description: 'Puts books on the shelf.',
      parameters: {
        type: 'object',
        properties: { books: { type: 'integer', minimum: 1 } },
        required: ['books'],
      },
      // Arguments fit `parameters` here: calls that do not are answered with what is wrong about them.
      run(given, shelfNow) {
        shelfNow.books += Number(given['books']);
        return { books: shelfNow.books };
      },
    },
  ],
  // A conversation about a problem begins from the problem's setting.
  start: (setting) => ({ books: Number(setting['books']) }),
  // The same request must give the same problems, and no problem may be in two splits.
  problems: ({ split, seed, count }) =>
    Array.from({ length: count }, (_, i) => {
      const [have, more] = [(seed + i) % 7, 1 + (i % 5)];
      return {
        id: `${split}-${i}`,
        category: 'add',
        question: `${split}: I add ${more} books. How many are there then?`,
        answer: String(have + more),
        setting: { books: have },
      };
    }),
});
export default shelf;

// The worker imports this module as well, and wants the environment alone.
if (isMainThread) {
  using host = await openEnvironment({ source: 'module', path: fileURLToPath(import.meta.url) });
  const [problem] = await host.problems({ split: 'train', seed: 1, count: 1 });
  if (problem === undefined) throw new Error('the environment has no problem');
  console.log(problem.question, `(right: ${problem.answer})`);

  const session = host.open(problem.setting);
  console.log(await session.call('count', {}));
  console.log(await session.call('add', { books: 1 }));
  // Faults of a model come back to it as text.
  console.log(await session.call('add', { books: 'many' }));
  session.close();
}
