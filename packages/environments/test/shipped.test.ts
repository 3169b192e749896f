/** The environments that come along: problems that can be solved, splits that do not overlap, functions that are right. */
import { describe, expect, test } from 'vitest';
import { pythonRound } from '../src/arithmetic/tools.ts';
import { SPLITS, type Problem } from '../src/environment.ts';
import { hostInProcess } from '../src/host.ts';
import { environments } from '../src/index.ts';

const COUNT = 120;
const shipped = Object.values(environments);

describe.each(shipped.map((environment) => [environment.name, environment] as const))(
  '%s',
  (_, environment) => {
    const host = hostInProcess(environment);
    const of = (split: (typeof SPLITS)[number], seed = 7): readonly Problem[] =>
      environment.problems({ split, seed, count: COUNT });

    test('as many problems as asked for, the same from one seed, others from another', () => {
      for (const split of SPLITS) {
        expect(of(split)).toHaveLength(COUNT);
        expect(of(split)).toEqual(of(split));
        expect(of(split, 8)).not.toEqual(of(split));
      }
    });

    test('a longer list begins with the shorter one', () => {
      const more = environment.problems({ split: 'test', seed: 7, count: COUNT + 10 });
      expect(more.slice(0, COUNT)).toEqual(of('test'));
    });

    test('no question is in two splits, whatever the seeds, or twice in one', () => {
      const seen = new Map<string, string>();
      for (const split of SPLITS) {
        for (const seed of [7, 8]) {
          const questions = of(split, seed).map(({ question }) => question);
          expect(new Set(questions).size).toBe(COUNT);
          for (const question of questions) {
            expect(seen.get(question) ?? split).toBe(split);
            seen.set(question, split);
          }
        }
      }
    });

    test('transfer is of a domain of its own, and every split has easy and hard problems', () => {
      const parts = (split: (typeof SPLITS)[number], part: 0 | 1): Set<string> =>
        new Set(of(split).map(({ category }) => category.split('/')[part]!));
      expect(parts('train', 0)).toEqual(parts('test', 0));
      expect([...parts('transfer', 0)].filter((domain) => parts('train', 0).has(domain))).toEqual([]);
      for (const split of SPLITS) expect(parts(split, 1).size).toBeGreaterThanOrEqual(3);
    });

    test('every solution works: no call fails, and the last result is the answer', async () => {
      for (const split of SPLITS) {
        for (const { setting, solution, answer, question } of of(split)) {
          const session = host.open(setting);
          let last = '';
          for (const { name, arguments: given } of solution!.flatMap(({ calls }) => calls)) {
            const { ok, text } = await session.call(name, given);
            expect(ok, `${question} ${name} ${JSON.stringify(given)}: ${text}`).toBe(true);
            last = text;
          }
          expect(last.replace(/^Concluded: (.*)\.$/, '$1'), question).toBe(answer);
        }
      }
    });

    test('every function is needed by some problem', () => {
      const used = new Set(
        of('train').flatMap(({ solution }) =>
          solution!.flatMap(({ calls }) => calls.map(({ name }) => name)),
        ),
      );
      expect(used).toEqual(new Set(environment.tools.map(({ name }) => name)));
    });
  },
);

describe("MENTOR's twelve functions", () => {
  const host = hostInProcess(environments.arithmetic);
  const call = async (name: string, given: object): Promise<string> =>
    (await host.open({}).call(name, { ...given } as Record<string, number>)).text;

  test('have their names', () => {
    expect(host.tools.map(({ name }) => name)).toEqual(
      'add subtract multiply divide sum_numbers floor ceil round_number power sqrt abs_value modulo'.split(
        ' ',
      ),
    );
  });

  test.each([
    ['add', { a: 2, b: -5 }, '-3'],
    ['subtract', { a: 2, b: 5 }, '-3'],
    ['multiply', { a: 2.5, b: 4 }, '10'],
    ['divide', { a: 1, b: 4 }, '0.25'],
    ['sum_numbers', { numbers: [] }, '0'],
    ['sum_numbers', { numbers: [1, 2, 3.5] }, '6.5'],
    ['floor', { x: -2.5 }, '-3'],
    ['ceil', { x: -0.5 }, '0'],
    ['power', { a: 2, b: 10 }, '1024'],
    ['sqrt', { x: 81 }, '9'],
    ['abs_value', { x: -7 }, '7'],
    ['modulo', { a: 7, b: 3 }, '1'],
    ['modulo', { a: -7, b: 3 }, '2'],
    ['modulo', { a: 7, b: -3 }, '-2'],
    ['modulo', { a: -7, b: -3 }, '-1'],
  ])('%s of %j is %s', async (name, given, expected) => {
    expect(await call(name, given)).toBe(expected);
  });

  test.each([
    ['divide', { a: 1, b: 0 }, 'Error: division by zero'],
    ['modulo', { a: 1, b: 0 }, 'Error: division by zero'],
    ['sqrt', { x: -1 }, 'Error: there is no real root of a negative number'],
    ['power', { a: 10, b: 400 }, 'Error: the power is too large or no real number'],
    ['power', { a: -8, b: 0.5 }, 'Error: the power is too large or no real number'],
    ['multiply', { a: 1e200, b: 1e200 }, 'Error: the result is too large'],
    ['add', { a: 1 }, 'Error: add needs the argument b'],
    ['sum_numbers', { numbers: ['1'] }, 'Error: numbers[0] of sum_numbers must be of type number'],
  ])('%s of %j is an error', async (name, given, expected) => {
    expect(await call(name, given)).toBe(expected);
  });

  test("rounding is Python's: by the exact value, half to even", () => {
    // From python3: round(x, n)
    const cases: [number, number, number][] = [
      [0.5, 0, 0],
      [1.5, 0, 2],
      [2.5, 0, 2],
      [-2.5, 0, -2],
      [2.675, 2, 2.67],
      [0.125, 2, 0.12],
      [0.375, 2, 0.38],
      [1.005, 2, 1.0],
      [0.285, 2, 0.28],
      [1234.5678, -2, 1200],
      [2.5, 1, 2.5],
    ];
    for (const [x, digits, expected] of cases)
      expect(pythonRound(x, digits), `${x} ${digits}`).toBeCloseTo(expected, 12);
  });
});

describe('logic', () => {
  const host = hostInProcess(environments.logic);
  const problems = environments.logic.problems({ split: 'train', seed: 3, count: 30 });
  const proved = problems.find(({ answer, solution }) => answer === 'true' && solution!.length >= 4)!;

  test('an answer that was not derived yet is refused, and says so', async () => {
    const session = host.open(proved.setting);
    const { ok, text } = await session.call('conclude', { answer: 'true' });
    expect(ok).toBe(false);
    expect(text).toMatch(/^Error: it is not known that .*; take the steps that show it first$/);
  });

  test('a step whose conditions are not known is refused, and names the condition', async () => {
    const [, second] = proved.solution!;
    const { text } = await host.open(proved.setting).call('take', second!.calls[0]!.arguments);
    expect(text).toMatch(/^Error: rule \d+ does not apply: it is not known that \w+ is /);
  });

  test('what is unknown stays so: no derivation reaches the statement of an unknown puzzle or its opposite', async () => {
    for (const { setting, answer } of problems.filter((problem) => problem.answer === 'unknown')) {
      const session = host.open(setting);
      const { theory } = setting as unknown as { theory: { rules: unknown[]; facts: { name: string }[] } };
      const names = [...new Set(theory.facts.map(({ name }) => name))];
      for (let round = 0; round < theory.rules.length; round++)
        for (let rule = 1; rule <= theory.rules.length; rule++)
          for (const name of names) await session.call('take', { rule, name });
      expect((await session.call('conclude', { answer })).ok).toBe(true);
      expect((await session.call('conclude', { answer: 'true' })).ok).toBe(false);
    }
  });
});
