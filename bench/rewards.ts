/**
 * The Sim-RL reward on one thread, by processor time: on the reference's 2,300 cases where they are at hand, else on the
 * committed ones.
 *
 * - One by one: prompt, tools and label are read anew for each case.
 * - Groups of 8: the cases of a prompt and its label in turn, each with a thought of its own. In the second kind also each
 *   answer is made another one, as no answer of a group that is like one before it has to be read again.
 */
import { simrl } from '../src/rewards/simrl.ts';
import { goldenCases, type RewardCase } from '../test/helpers/reward-cases.ts';
import { compare } from './compare.ts';

const GROUP = 8;
/** Generations that STAR's code in Python scores a second on one core when it prints nothing. */
const REFERENCE = 14_000;
const ANSWER = '</think>';
const ARGUMENTS = '"arguments"';

interface Group {
  readonly task: RewardCase;
  readonly generations: readonly string[];
}

/** Groups of all prompts and labels, of as many generations each. */
function groupsOf(cases: readonly RewardCase[], vary: (text: string, number: number) => string): Group[] {
  const tasks = new Map<string, RewardCase[]>();
  for (const one of cases) {
    const key = JSON.stringify([one.prompt, one.label]);
    tasks.set(key, [...(tasks.get(key) ?? []), one]);
  }
  return [...tasks.values()].map((own) => ({
    task: own[0]!,
    generations: Array.from({ length: GROUP }, (_, i) =>
      vary(`\nThought ${i}.${own[i % own.length]!.generation}`, i),
    ),
  }));
}

/** Another letter at the end of the first text among the arguments, or behind an answer that has none. */
function withAnotherAnswer(text: string, number: number): string {
  const start = text.indexOf(ARGUMENTS, text.indexOf(ANSWER));
  const end = start < 0 ? -1 : text.slice(start + ARGUMENTS.length).search(/[A-Za-z0-9]"/);
  const at = end < 0 ? text.length : start + ARGUMENTS.length + end;
  return text.slice(0, at) + String.fromCharCode(0x61 + number) + text.slice(at + 1);
}

/** Seconds of processor time. */
function timed(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function scoreGroups(groups: readonly Group[]): void {
  for (const { task, generations } of groups) {
    const scorer = simrl.prepare(task);
    for (const generation of generations) scorer.score(generation);
  }
}

/** Measures it. */
export async function rewards(): Promise<void> {
  const cases = goldenCases();
  const kinds = [
    { title: 'of their answers', groups: groupsOf(cases, (text) => text) },
    { title: 'of 8 different answers', groups: groupsOf(cases, withAnotherAnswer) },
  ];
  const unit = 'generations/s';
  await compare(
    `Sim-RL reward, one thread, CPU time, ${cases.length} golden cases (the reference in Python: about ${REFERENCE} generations/s)`,
    [
      ...kinds.map(({ title, groups }) => ({
        name: `groups of ${GROUP}, ${title}`,
        work: groups.length * GROUP,
        unit,
        run: () => timed(() => scoreGroups(groups)),
      })),
      {
        name: 'one by one',
        work: cases.length,
        unit,
        run: () =>
          timed(() => {
            for (const one of cases) simrl.prepare(one).score(one.generation);
          }),
      },
    ],
  );
}
