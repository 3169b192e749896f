/** The answer: models beside each other on a set of cases, the student with its confidence, and what it costs to run. */
import { join } from 'node:path';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import type { Verbatim } from '../../../constrain/src/calls.ts';
import { checkpointAt } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import type { Engine } from '../../../../src/sampling/gguf.ts';
import type { RunEvent } from '../../../../src/train/events.ts';
import { abstaining } from '../acceptance/abstain.ts';
import { answerReader } from '../acceptance/answers.ts';
import { type Calibration, riskCoverage } from '../acceptance/confidence.ts';
import { measure, type Measured, type NamedServer } from '../acceptance/measure.ts';
import { scoresOf, worstOf } from '../acceptance/scores.ts';
import type { Suite } from '../artefacts/card.ts';
import type { Case } from '../types.ts';

export interface AcceptOptions {
  readonly title: string;
  /** Label of each model with its path, in their order. */
  readonly models: Readonly<Record<string, string>>;
  readonly functions: readonly Tool[];
  readonly verbatim: Verbatim;
  readonly cases: readonly Case[];
  /** Folder of the kept answers. */
  readonly folder: string;
  readonly generate_max_len: number;
  readonly device: string;
  readonly engine?: Engine;
  readonly server?: NamedServer;
  /** Of the last of the models, with which its calls may be held back. */
  readonly calibration?: Calibration | undefined;
  readonly abstain?: number | undefined;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Wrong answers that are shown in full. */
const WORST = 12;

const fileName = (label: string): string => `${label.replaceAll(/[^A-Za-z0-9]+/g, '-')}.jsonl`;

/** Lets models answer cases, and adds up. `of` is the label of the model that confidence is of. */
export async function* accept(of: string, options: AcceptOptions): AsyncGenerator<RunEvent, Suite> {
  const { title, models, functions, cases, folder, calibration, abstain, engine, ...rest } = options;
  const names = functions.map(({ name }) => name);
  const labelled: { label: string; answers: readonly Measured[] }[] = [];
  const withheld = (model: string, answers: readonly Measured[], least: number): readonly Measured[] => {
    if (calibration === undefined) return answers;
    const { format } = ChatTemplate.of(Tokenizer.load(checkpointAt(model))).fixed('off');
    return abstaining(answers, calibration, options.verbatim, least, answerReader(functions, format));
  };
  for (const [label, model] of Object.entries(models)) {
    const answers = yield* measure({
      ...rest,
      ...(engine === undefined ? {} : { engine }),
      stage: `${title}: ${label}`,
      model,
      tools: functions,
      cases,
      file: join(folder, fileName(label)),
    });
    labelled.push({ label, answers: label === of ? withheld(model, answers, 0) : answers });
  }
  const own = labelled.find(({ label }) => label === of);
  const model = models[of];
  let shown = own?.answers ?? [];
  const isKnown = calibration !== undefined && shown.some(({ logprob }) => logprob !== null);
  const risk = isKnown ? riskCoverage(calibration, shown) : [];
  if (own !== undefined && model !== undefined && isKnown && abstain !== undefined && abstain > 0) {
    shown = withheld(model, shown, abstain);
    labelled.push({ label: `${of}, abstaining below ${abstain}`, answers: shown });
  }
  return {
    title,
    models: labelled.map(({ label, answers }) => ({ label, scores: scoresOf(answers, names) })),
    worst: worstOf(shown, WORST),
    risk,
  };
}
