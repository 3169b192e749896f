/** Every stage's curves: which metrics share a plot, and in what order. */
import { type MetricName, METRICS } from '../../../src/train/metrics.ts';
import { html, type Html } from './html.ts';
import { formatNumber, mean } from './numbers.ts';
import { linePlot, type Series } from './plot.ts';
import type { StageLog } from './read.ts';

/** Metrics of one panel share a unit. A metric that no panel names gets one of its own at the end. */
const PANELS: readonly { readonly title: string; readonly metrics: readonly MetricName[] }[] = [
  { title: 'Reward', metrics: ['reward', 'answer_reward', 'format_reward'] },
  { title: 'Loss', metrics: ['loss', 'ce', 'fkl', 'rkl', 'kd_loss'] },
  { title: 'Preference accuracy', metrics: ['preference_accuracy'] },
  { title: 'Implicit rewards', metrics: ['reward_margin', 'chosen_reward', 'rejected_reward'] },
  { title: 'Log-probability of the answers', metrics: ['chosen_logprob', 'rejected_logprob'] },
  { title: 'Tail mass', metrics: ['tail'] },
  { title: 'Exact match', metrics: ['exact_match'] },
  { title: 'Right answers with functions', metrics: ['accuracy', 'transfer_accuracy'] },
  { title: "Agreement with the teacher's tools", metrics: ['tool_match'] },
  { title: 'Calls and turns of a conversation', metrics: ['calls', 'turns'] },
  { title: 'Calls that failed', metrics: ['failed_calls'] },
  { title: 'Policy loss', metrics: ['policy_loss', 'off_policy_loss'] },
  { title: "Probability of the teacher's tokens", metrics: ['off_policy_prob'] },
  { title: "Share of the teacher's tokens", metrics: ['off_policy_tokens'] },
  { title: 'KL to the reference', metrics: ['kl'] },
  { title: 'Entropy', metrics: ['entropy'] },
  { title: 'Groups filtered out', metrics: ['filtered'] },
  { title: 'Samples valid and kept', metrics: ['valid', 'kept'] },
  { title: 'Clipped tokens', metrics: ['clip_fraction'] },
  { title: 'Completion length', metrics: ['completion_tokens'] },
  { title: 'Truncated completions', metrics: ['truncated'] },
  { title: "Teacher's stored mass", metrics: ['teacher_mass'] },
  { title: 'Gradient norm', metrics: ['grad_norm'] },
  { title: 'Learning rate', metrics: ['lr'] },
  { title: 'Throughput', metrics: ['tokens_per_second'] },
  { title: 'Memory', metrics: ['memory_mb'] },
];

/** Metrics without noise, which a trend line would only blur. */
const EXACT: ReadonlySet<MetricName> = new Set(['lr', 'memory_mb']);

const NAMED: ReadonlySet<MetricName> = new Set(PANELS.flatMap(({ metrics }) => metrics));
const OTHERS = (Object.keys(METRICS) as MetricName[]).filter((name) => !NAMED.has(name));
const ALL = [...PANELS, ...OTHERS.map((name) => ({ title: name, metrics: [name] }))];

function seriesOf(stage: StageLog, name: MetricName): Series & { readonly name: MetricName } {
  const points = stage.steps.flatMap((line) => {
    const value = line[name];
    return typeof value === 'number' && Number.isFinite(value) ? [[line.step, value] as const] : [];
  });
  return { name, points, exact: EXACT.has(name) };
}

/** The value that a series ends at: the mean of its last tenth, as single steps are noisy. */
function ending({ points }: Series): number {
  return mean(points.slice(-Math.max(1, Math.floor(points.length / 10))).map(([, y]) => y));
}

function card({ title, metrics }: (typeof ALL)[number], stage: StageLog): Html | undefined {
  const series = metrics.map((name) => seriesOf(stage, name)).filter(({ points }) => points.length > 0);
  const [first] = series;
  if (first === undefined) return undefined;
  const { unit, meaning } = METRICS[first.name];
  const legend = series.map(
    (one, i) =>
      html`<span class="key" title="${METRICS[one.name].meaning}"
        ><i class="s${i + 1}"></i>${one.name}
        <b data-value="${one.name}">${formatNumber(ending(one))}</b></span
      >`,
  );
  return html`<figure class="card">
    <figcaption><strong>${title}</strong> <span class="unit">${unit}</span></figcaption>
    ${linePlot(`${title} of ${stage.name}`, series)}
    <div class="legend">${legend}<span class="key at" data-at></span></div>
    ${series.length === 1 ? html`<p class="meaning">${meaning}</p>` : undefined}
  </figure>`;
}

/** The curves of a stage, or nothing when it logged none. */
export function curveSection(stage: StageLog): Html | undefined {
  const cards = ALL.flatMap((panel) => card(panel, stage) ?? []);
  if (cards.length === 0) return undefined;
  return html`<section id="stage-${stage.name}">
    <h3>${stage.name} <span class="kind">${stage.kind}</span></h3>
    <div class="cards">${cards}</div>
  </section>`;
}
