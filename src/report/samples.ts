/** Requests with the answers of every model, and what a stage drew in its first and its last step. */
import type { EvalSample, SampleLine } from '../eval/formats.ts';
import { type KindName, kindOf, stageKinds } from '../stages/index.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import type { StageSamples } from './read.ts';

const SHOWN = 12;
const WRONG_SHOWN = 4;

/** At most `count` samples, in turn over their categories. */
function spread(samples: readonly EvalSample[], count: number): EvalSample[] {
  const lists = new Map<string, EvalSample[]>();
  for (const sample of samples) lists.set(sample.category, [...(lists.get(sample.category) ?? []), sample]);
  const longest = Math.max(0, ...[...lists.values()].map((list) => list.length));
  const turns = Array.from({ length: longest }, (_, turn) =>
    [...lists.values()].flatMap((list) => list[turn] ?? []),
  );
  return turns.flat().slice(0, count);
}

/** Samples that tell the most: some that `before` gets wrong and `after` right, then some that stay wrong. */
export function chosenSamples(samples: readonly EvalSample[], before: string, after: string): EvalSample[] {
  const learnt = samples.filter(
    (sample) => sample.correct[before] === false && sample.correct[after] === true,
  );
  const wrong = samples.filter((sample) => sample.correct[after] === false);
  const others = samples.filter((sample) => !learnt.includes(sample) && !wrong.includes(sample));
  const few = spread(wrong, WRONG_SHOWN);
  const chosen = [...spread(learnt, SHOWN - few.length), ...few];
  return [...chosen, ...spread(others, SHOWN - chosen.length)];
}

/** An answer for reading: complete calls as `name(argument: value)`, the rest as it is. */
export function readableAnswer(text: string): string {
  return text
    .replace(
      /<tool_call>\s*(\{[\s\S]*?\})\s*<\/tool_call>/g,
      (whole, json: string) => callText(json) ?? whole,
    )
    .replace(/<\|im_end\|>\s*$/, '')
    .replace(/^\s*(<think>)?\s*<\/think>/, '')
    .trim();
}

function callText(json: string): string | undefined {
  try {
    const call: unknown = JSON.parse(json);
    if (typeof call !== 'object' || call === null || !('name' in call) || !('arguments' in call))
      return undefined;
    const { name, arguments: given } = call;
    if (typeof name !== 'string' || typeof given !== 'object' || given === null || Array.isArray(given))
      return undefined;
    const list = Object.entries(given).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    return `${name}(${list.join(', ')})`;
  } catch {
    return undefined;
  }
}

function answer(label: string, text: string, correct: boolean | undefined): Html {
  const mark = correct === undefined ? ['', ''] : correct ? ['right', '✓'] : ['wrong', '✗'];
  const shown = text.trim() === '' ? html`<em>nothing</em>` : readableAnswer(text);
  return html`<div class="answer ${mark[0]}">
    <span class="who">${label}</span><span class="mark">${mark[1]}</span>
    <pre title="${text}">${shown}</pre>
  </div>`;
}

function sampleCard(sample: EvalSample, labels: readonly string[], open: ReadonlySet<string>): Html {
  const rows = (wanted: boolean): Html[] =>
    labels.flatMap((label) => {
      const text = sample.outputs[label];
      return text === undefined || open.has(label) !== wanted
        ? []
        : [answer(label, text, sample.correct[label])];
    });
  const others = rows(false);
  const rest =
    others.length === 0
      ? undefined
      : html`<details>
          <summary>${others.length} more</summary>
          ${others}
        </details>`;
  return html`<article class="sample">
    <header><q>${sample.request}</q><span class="kind">${sample.category.replaceAll('_', ' ')}</span></header>
    ${answer('gold', sample.gold, undefined)}${rows(true)}${rest}
  </article>`;
}

/** Requests with their answers: those of `before` and `after` in sight, the other models' folded away. */
export function evalSamples(
  samples: readonly EvalSample[],
  labels: readonly string[],
  before: string,
  after: string,
): Html {
  const open = new Set([before, after]);
  return html`<div class="samples">
    ${chosenSamples(samples, before, after).map((sample) => sampleCard(sample, labels, open))}
  </div>`;
}

/** What the user said last in a rendered prompt, or the prompt's end when it is of another format. */
export function requestOf(prompt: string): string {
  const turns = [...prompt.matchAll(/<\|im_start\|>user\n([\s\S]*?)<\|im_end\|>/g)];
  return turns.at(-1)?.[1]?.trim() ?? `…${prompt.slice(-300)}`;
}

function drawn(line: SampleLine): Html {
  return html`<tr>
    <td>
      <q>${requestOf(line.prompt)}</q>
      <pre>${readableAnswer(line.generation)}</pre>
    </td>
    <td class="n reward ${line.reward > 0.99 ? 'right' : line.reward < 0 ? 'wrong' : ''}">
      ${line.reward.toFixed(2).replace('-', '−')}
    </td>
  </tr>`;
}

/** Heading of a stage's samples, as its kind words it. */
function headingOf(kind: string, stage: string): string {
  const known = Object.hasOwn(stageKinds, kind) ? kindOf({ kind: kind as KindName }) : undefined;
  return (known?.samples ?? 'Samples that {stage} drew').replace('{stage}', stage);
}

/** What a stage drew; what it learned from, when it took it from an earlier stage's draws. */
export function drawnSamples(stage: string, kind: string, { first, last }: StageSamples): Html {
  const step = (lines: readonly SampleLine[]): Html =>
    html`<h4>step ${lines[0]?.step ?? 0}</h4>
      <table class="drawn">
        <thead>
          <tr>
            <th scope="col">request and answer</th>
            <th scope="col" class="n">reward</th>
          </tr>
        </thead>
        <tbody>
          ${lines.map(drawn)}
        </tbody>
      </table>`;
  const later = last[0]?.step === first[0]?.step ? undefined : html`<div>${step(last)}</div>`;
  return html`<details class="block">
    <summary>${headingOf(kind, stage)}</summary>
    <div class="pair">
      <div>${step(first)}</div>
      ${later}
    </div>
  </details>`;
}
