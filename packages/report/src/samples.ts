/** Requests with the answers of every model, and what a stage drew in its first and its last step. */
import type { Malformed, ToolFormat, WrittenCall } from '../../../src/chat/formats/format.ts';
import { formats } from '../../../src/chat/formats/index.ts';
import type { EvalResult, EvalSample, SampleLine } from '../../../src/eval/formats.ts';
import { isDict, toJson } from '../../../src/json/python.ts';
import { type KindName, kindOf, stageKinds } from '../../../src/stages/index.ts';
import { html, type Html } from './html.ts';
import type { StageSamples } from './read.ts';
import { htmlTable } from './table.ts';

const SHOWN = 12;
const WRONG_SHOWN = 4;

/** At most `count` samples, in turn over their categories. */
function spread(samples: readonly EvalSample[], count: number): EvalSample[] {
  const categories = [...new Set(samples.map(({ category }) => category))];
  const lists = categories.map((category) => samples.filter((sample) => sample.category === category));
  return samples.flatMap((_, turn) => lists.flatMap((list) => list[turn] ?? [])).slice(0, count);
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

const ALL: readonly ToolFormat[] = Object.values(formats);
const ENDS = ALL.flatMap(({ turn, callEnd = turn.close }) => [turn.close, callEnd]);
const TURN_END = new RegExp(`(?:${ENDS.map((end) => end.replaceAll('|', '[|]')).join('|')})\\s*$`);
const { think } = formats.hermes;
const THOUGHT = new RegExp(`^\\s*(${think.open})?\\s*${think.close}`);

/** The format that a text has readable calls in; Hermes's where it has none. */
const formatWritten = (text: string): ToolFormat =>
  ALL.find((one) => one.callBlocks(text)?.some((block) => !('kind' in one.readCall(block))) === true) ??
  formats.hermes;

/** An answer for reading: complete calls as `name(argument: value)`, the rest as it is. */
export function readableAnswer(text: string): string {
  const format = formatWritten(text);
  const { open, close } = format.call;
  let shown = text;
  for (const block of format.callBlocks(text) ?? []) {
    const call = callText(format.readCall(block));
    const whole = text.includes(open + block + close) ? open + block + close : block;
    if (call !== undefined) shown = shown.replace(whole, () => call);
  }
  for (const token of format.special) shown = shown.replaceAll(token, '');
  return shown.replace(TURN_END, '').replace(THOUGHT, '').trim();
}

function callText(call: WrittenCall | Malformed): string | undefined {
  if ('kind' in call || typeof call.name !== 'string' || !isDict(call.arguments)) return undefined;
  const list = Array.from(call.arguments, ([key, value]) => `${key}: ${JSON.stringify(toJson(value))}`);
  return `${call.name}(${list.join(', ')})`;
}

function answer(label: string, text: string, correct: boolean | undefined): Html {
  const mark = correct === undefined ? ['', ''] : correct ? ['right', '✓'] : ['wrong', '✗'];
  const shown = text.trim() === '' ? html`<em>nothing</em>` : readableAnswer(text);
  return html`<div class="answer ${mark[0]}">
    <span class="who">${label}</span><span class="mark">${mark[1]}</span>
    <pre title="${text}">${shown}</pre>
  </div>`;
}

function sampleCard(sample: EvalSample, labels: readonly string[], open: readonly string[]): Html {
  const rows = (isWanted: (label: string) => boolean): Html[] =>
    labels.filter(isWanted).flatMap((label) => {
      const text = sample.outputs[label];
      return text === undefined ? [] : answer(label, text, sample.correct[label]);
    });
  const folded = rows((label) => !open.includes(label));
  return html`<article class="sample">
    <header><q>${sample.request}</q><span class="kind">${sample.category.replaceAll('_', ' ')}</span></header>
    ${answer('gold', sample.gold, undefined)}${rows((label) => open.includes(label))}
    ${
      folded.length > 0 &&
      html`<details>
        <summary>${folded.length} more</summary>
        ${folded}
      </details>`
    }
  </article>`;
}

/** Requests with their answers: those of `before` and `after` in sight, the other models' folded away. */
export function evalSamples({ samples, models }: EvalResult, before: string, after: string): Html {
  const labels = models.map(({ label }) => label);
  return html`<div class="samples">
    ${chosenSamples(samples, before, after).map((sample) => sampleCard(sample, labels, [before, after]))}
  </div>`;
}

/** Last message of the user in a rendered prompt, or the prompt's end when it is of no known format. */
export function requestOf(prompt: string): string {
  for (const { assistant, turn } of ALL) {
    const begin = assistant.replace(/assistant|model/, 'user');
    const [, ...turns] = prompt.split(begin);
    const [request, ...rest] = turns.at(-1)?.split(turn.close) ?? [];
    if (request !== undefined && rest.length > 0) return request.trim();
  }
  return `…${prompt.slice(-300)}`;
}

/** Heading of a stage's samples, as its kind words it. */
function headingOf(kind: string, stage: string): string {
  const known = Object.hasOwn(stageKinds, kind) ? kindOf({ kind: kind as KindName }) : undefined;
  return (known?.samples ?? 'Samples that {stage} drew').replace('{stage}', stage);
}

function stepTable(lines: readonly SampleLine[]): Html {
  const rows = lines.map(({ prompt, generation, reward }) => ({
    cells: [
      html`<q>${requestOf(prompt)}</q>
        <pre>${readableAnswer(generation)}</pre>`,
      {
        content: reward.toFixed(2).replace('-', '−'),
        class: `reward ${reward > 0.99 ? 'right' : reward < 0 ? 'wrong' : ''}`,
      },
    ],
  }));
  return html`<div>
    <h4>step ${lines[0]?.step ?? 0}</h4>
    ${htmlTable(['request and answer', 'reward'], rows, 'drawn')}
  </div>`;
}

/** Samples that a stage drew, or learned from where an earlier stage drew them. */
export function drawnSamples(stage: string, kind: string, { first, last }: StageSamples): Html {
  return html`<details class="block">
    <summary>${headingOf(kind, stage)}</summary>
    <div class="pair">${stepTable(first)} ${last[0]?.step !== first[0]?.step && stepTable(last)}</div>
  </details>`;
}
