/** Cases worded anew by a teacher behind a server, for `tinystar synth` and `tinystar fit`. */
import { projectCases, type ProjectCases } from '../../fit/src/fit/cases.ts';
import type { Cases } from '../../fit/src/synth/store.ts';
import { type Paraphrased, paraphrase } from '../../fit/src/synth/teacher.ts';
import type { Project } from '../../fit/src/types.ts';
import { UserError } from '../../../src/base/errors.ts';
import { formatCount, formatDuration } from '../../report/src/numbers.ts';
import { table } from '../../report/src/table.ts';
import { openServer } from '../../../src/sampling/served/open.ts';
import type { CliContext } from './context.ts';
import { Stop } from './stop.ts';
import { StatusLine } from './terminal.ts';

/** Values that stand in place of a project's settings. */
interface Given {
  readonly teacher?: string | undefined;
  readonly served?: string | undefined;
  readonly max_tokens?: number | undefined;
  readonly max_cost?: number | undefined;
  readonly price?: readonly [read: number, written: number] | undefined;
}

/** Other wordings by a teacher, where one is named. */
export async function wordedAnew(
  context: CliContext,
  given: Given,
  { folder, functions, settings }: Project,
  cases: Cases,
): Promise<Paraphrased | undefined> {
  const asked = settings.paraphrase;
  const endpoint = given.teacher ?? asked?.endpoint;
  if (endpoint === undefined) return undefined;
  if (given.max_cost !== undefined && given.price === undefined)
    throw new UserError('FLAG', '--max-cost needs --price, such as --price 0.1,0.4.');
  const { stderr } = context.process;
  using stop = new Stop(context.services);
  using status = new StatusLine(stderr, context.services.now);
  const served = given.served ?? asked?.model;
  const apiKey = context.process.env['OPENAI_API_KEY'];
  using teacher = await openServer(endpoint, {
    parallel: 8,
    ...(served === undefined ? {} : { served }),
    ...(apiKey === undefined ? {} : { apiKey }),
    tell: (words) => void stderr.write(`${words}\n`),
  });
  const [price_in, price_out] = given.price ?? [0, 0];
  const budget = {
    max_tokens: given.max_tokens ?? asked?.max_tokens ?? 500_000,
    max_cost: given.max_cost ?? Infinity,
    price_in,
    price_out,
  };
  return await paraphrase(
    folder,
    functions,
    cases,
    teacher,
    budget,
    stop.signal,
    ({ done, total, kept, tokens }) =>
      status.update((seconds) => {
        const left = (seconds / Math.max(1, done)) * (total - done);
        return `teacher: ${done} of ${total} cases, ${kept} wordings kept, ${formatCount(tokens)} tokens, ${(done / Math.max(seconds, 1e-3)).toFixed(1)} cases/s, ${formatDuration(left)} left`;
      }),
  );
}

/** Outcome of a teacher's wordings, by reason. */
export function wordedText({ counts, tokens, cost, left }: Paraphrased): string {
  const rows = Object.entries(counts).map(([reason, count]) => [`  ${reason}`, String(count)]);
  const money = cost > 0 ? `, ${cost.toFixed(4)} of money` : '';
  const rest = left > 0 ? `; the budget ended before ${left} cases: re-run with a larger one to go on` : '';
  return `the teacher's wordings, ${formatCount(tokens)} tokens${money}${rest}\n${table(rows, ['left', 'right'])}`;
}

/** Cases of a project, those of the server that fit.yaml names among them where they are made now. */
export async function casesOfProject(context: CliContext, project: Project): Promise<ProjectCases> {
  return await projectCases(project, async (cases) => {
    const worded = await wordedAnew(context, {}, project, cases);
    if (worded !== undefined) context.process.stderr.write(wordedText(worded));
    return worded?.cases ?? [];
  });
}
