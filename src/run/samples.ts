/** Which answers of an evaluation the report shows. */
import type { Judged } from '../eval/held-out.ts';
import type { EvalSample } from '../eval/formats.ts';

type Verdict = Pick<Judged, 'id' | 'category' | 'request' | 'gold' | 'output' | 'correct'>;

/** How many tasks of each category the report shows. */
const SHOWN = 3;

/** The answers of all models to some tasks of each category, for the report. */
export function samplesOf(labels: readonly string[], judged: readonly (readonly Verdict[])[]): EvalSample[] {
  const seen = new Map<string, number>();
  return (judged[0] ?? []).flatMap(({ id, category, request, gold }, i) => {
    const count = seen.get(category) ?? 0;
    seen.set(category, count + 1);
    if (count >= SHOWN) return [];
    const by = <T>(pick: (verdict: Verdict) => T): Record<string, T> =>
      Object.fromEntries(
        labels.flatMap((label, m) => {
          const verdict = judged[m]?.[i];
          return verdict === undefined ? [] : [[label, pick(verdict)]];
        }),
      );
    return [
      {
        id,
        category,
        request,
        gold,
        outputs: by(({ output }) => output),
        correct: by(({ correct }) => correct),
      },
    ];
  });
}
