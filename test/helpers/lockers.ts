/** An environment of lockers: each holds a colour that only the function knows, and the answer is that colour. */
import {
  defineEnvironment,
  type EnvironmentHost,
  type Problem,
} from '../../packages/environments/src/environment.ts';
import { hostInProcess } from '../../packages/environments/src/host.ts';

/** Problems of lockers with these colours; `question` asks for the locker of a number. */
export const lockersOf = (
  colours: readonly string[],
  question: (locker: number) => string,
  more: Partial<Problem> = {},
): Problem[] =>
  colours.map((colour, i) => ({
    id: `locker-${i}`,
    category: 'locker',
    question: question(i),
    answer: colour,
    setting: { colour },
    ...more,
  }));

/** The environment with these problems. */
export const lockersHost = (problems: readonly Problem[]): EnvironmentHost =>
  hostInProcess(
    defineEnvironment<{ colour: unknown }>({
      name: 'lockers',
      description: '',
      tools: [
        {
          name: 'look',
          description: 'look',
          parameters: { type: 'object', properties: {} },
          run: (_, { colour }) => colour,
        },
      ],
      start: ({ colour }) => ({ colour }),
      problems: () => [...problems],
    }),
  );
