/**
 * Teacher rollouts: n answers a prompt, of which the well-formed and distinct ones are kept, with the teacher's
 * top-k log-probabilities at every token (STAR's teacher_rollout.py; correctness is not checked there either).
 */
import { UserError } from '../base/errors.ts';
import { answerKey } from '../sampling/duplicates.ts';
import type { Drawn } from '../sampling/sampler.ts';
import type { Answered, Batch, Question, Teacher } from '../sampling/teacher.ts';
import { asking, unanswered } from './asking.ts';
import { type RunEvent, sampleEvents, type StageRun, stepEvent } from './events.ts';
import type { Prompts, ScoredPrompt, Speaking } from './prompts.ts';
import { addCounts, type KeptPrompt, NO_COUNTS, type RolloutCounts, RolloutWriter } from './rollout-store.ts';

export interface RolloutOptions extends StageRun, Speaking {
  readonly prompts: Prompts<ScoredPrompt>;
  /** Index of the prompt at a position of the order in which they are asked. */
  readonly order: (position: number) => number;
  readonly count: number;
  readonly rollout_batch_size: number;
  readonly validity_filter: boolean;
  readonly reward_threshold?: number;
  /** Share of the prompts that may stay unanswered. */
  readonly max_failed: number;
  readonly teacher: Teacher;
  /** Ids that the teacher may give. */
  readonly vocabSize: number;
}

type Asked = Question & Pick<ScoredPrompt, 'id' | 'scorer'>;

function choose(
  { validity_filter, reward_threshold = -Infinity, template }: RolloutOptions,
  { text: prompt, ids, scorer }: Asked,
  drafts: readonly Drawn[],
): { readonly counts: RolloutCounts; readonly kept: readonly (Drawn & { readonly reward: number })[] } {
  const kept = new Map<string, Drawn & { readonly reward: number }>();
  const counts = { ...NO_COUNTS, drawn: drafts.length, promptTokens: ids.length };
  for (const draft of drafts) {
    const { reward, format } = scorer.score(draft.text);
    counts.reward += reward;
    counts.completionTokens += draft.tokens.length;
    const isCut = draft.finish === 'length';
    if (isCut) counts.cut += 1;
    const isValid = format === 1 && !isCut;
    if (isValid) counts.valid += 1;
    if ((validity_filter && !isValid) || reward < reward_threshold) continue;
    const key = answerKey(prompt, draft.text, template.format);
    if (!kept.has(key)) kept.set(key, { ...draft, reward });
  }
  return { counts: { ...counts, kept: kept.size }, kept: [...kept.values()] };
}

function whyNone({ drawn, valid, cut }: RolloutCounts, { reward_threshold }: RolloutOptions): string {
  if (drawn === 0) return 'no answer came that can be sent; see to the teacher and re-run the same command';
  const none = `none of ${drawn} answers`;
  if (valid > 0)
    return `${none} has a reward of at least ${reward_threshold ?? 0}; lower reward_threshold or take a better teacher`;
  if (2 * cut > drawn)
    return `${none} is valid, as ${cut} have no end or say nothing; raise generate_max_len, or see why the teacher does not end its turn`;
  return `${none} is valid, as ${drawn - cut} are not well-formed; the teacher is too weak for the format (train it first)`;
}

/**
 * Answers the prompts step by step until all are answered; what is on disk is not asked again. Throws the signal's reason
 * when it fires.
 */
export async function* runRollouts(options: RolloutOptions): AsyncGenerator<RunEvent, void, undefined> {
  const { name: stage, kind, teacher, tokenizer, vocabSize, folder, signal, now } = options;
  const { prompts, order, count, rollout_batch_size: batch } = options;
  const total = Math.ceil(count / batch);
  using writer = new RolloutWriter(folder, {
    tokenizer: tokenizer.fingerprint(),
    vocabSize,
    topK: teacher.topK,
  });
  /** Places of prompts that were too long, to be stored with the next group. */
  let tooLong: number[] = [];
  const failed: { readonly position: number; readonly why: string }[] = [];
  /** Prompts that are settled, and counts since the last step. */
  let [settled, since, stepStart] = [0, NO_COUNTS, now()];
  /** Steps that are done: batches' worth of settled prompts. */
  const stepsDone = (): number => (settled >= count ? total : Math.floor(settled / batch));
  /** Counts settled prompts, and tells whether a step has ended with them. */
  const endsStep = (positions: number, counts: RolloutCounts): boolean => {
    const before = stepsDone();
    settled += positions;
    since = addCounts(since, counts);
    return stepsDone() > before;
  };
  // A step that was told of is over.
  for (const { positions, counts } of writer.settled) if (endsStep(positions, counts)) since = NO_COUNTS;

  function* batches(): Generator<Batch<Asked>> {
    for (let number = 0; number < total; number++) {
      const first = number * batch;
      const positions = Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i);
      const open = positions.filter((position) => !writer.done.has(position));
      const questions = open.flatMap((position) => {
        const [prompt] = prompts.at([order(position)]);
        if (prompt === undefined) {
          tooLong.push(position);
          return [];
        }
        const { id, text, ids, dialogue, scorer } = prompt;
        const { messages, tools } = dialogue;
        return [{ position, id, text, ids, messages: messages.slice(0, -1), tools, scorer }];
      });
      if (open.length > 0) yield { number, questions };
    }
  }

  /** Says what came of some prompts, and stores it last, so that the log has all that is stored. */
  function* store(positions: readonly number[], counts: RolloutCounts, kept: readonly KeptPrompt[]) {
    if (endsStep(positions.length, counts)) {
      const end = now();
      const of = (name: keyof RolloutCounts): number => since[name] / Math.max(1, since.drawn);
      yield stepEvent({
        stage,
        step: stepsDone(),
        total,
        tokens: since.completionTokens + since.promptTokens,
        seconds: (end - stepStart) / 1000,
        metrics: {
          reward: of('reward'),
          valid: of('valid'),
          kept: of('kept'),
          completion_tokens: of('completionTokens'),
        },
      });
      [since, stepStart] = [NO_COUNTS, end];
      yield* sampleEvents(stage, stepsDone(), kept);
    }
    writer.append(positions, counts, kept);
  }

  async function* settle(group: readonly Answered<Asked>[]): AsyncGenerator<RunEvent> {
    const positions = tooLong;
    let counts: RolloutCounts = { ...NO_COUNTS, tooLong: positions.length };
    tooLong = [];
    const chosen = [];
    for (const { question, drafts, failure } of group) {
      const { position, id, text: prompt, ids: promptIds } = question;
      if (failure !== undefined) {
        failed.push({ position, why: `${id}: ${failure}` });
        continue;
      }
      positions.push(position);
      const { counts: own, kept: samples } = choose(options, question, drafts);
      counts = addCounts(counts, own);
      if (samples.length > 0) chosen.push({ position, id, prompt, promptIds, samples });
    }
    const scored = await teacher.score(chosen, signal);
    const kept = chosen.map((prompt, i) => ({ ...prompt, samples: scored[i] ?? [] }));
    if (positions.length > 0) yield* store(positions, counts, kept);
  }

  const done = stepsDone();
  yield { type: 'stage', stage, kind, total, done };
  const draw = (stop: AbortSignal) => teacher.draw(batches(), stop);
  if (done < total) yield* asking(options, teacher.sampler, teacher.sampling, draw, settle);
  yield* settle([]);
  const [first] = failed;
  if (first !== undefined) {
    const of = `${count} prompts`;
    yield unanswered(stage, { count: failed.length, of, first: first.why }, options.max_failed * count);
    const positions = failed.map(({ position }) => position);
    yield* store(positions, NO_COUNTS, []);
  }
  const sum = writer.settled.reduce((so, { counts }) => addCounts(so, counts), NO_COUNTS);
  if (sum.kept === 0) {
    // Nobody can learn from it, so the same command asks again.
    writer.clear();
    throw new UserError('NO_ANSWERS', `Stage ${stage}: ${whyNone(sum, options)}.`);
  }
  if (sum.tooLong > 0)
    yield { type: 'warning', stage, text: `${sum.tooLong} prompts were too long and were left out` };
  writer.finish();
}
