/**
 * Teacher rollouts: n answers a prompt, of which the well-formed and distinct ones are kept, with the teacher's
 * top-k log-probabilities at every token (STAR's teacher_rollout.py; correctness is not checked there either).
 */
import { UserError } from '../base/errors.ts';
import type { ChatTemplate } from '../chat/template.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { answerKey } from '../sampling/duplicates.ts';
import type { Drawn } from '../sampling/sampler.ts';
import type { Answered, Batch, Question, Teacher } from '../sampling/teacher.ts';
import { asking, unanswered } from './asking.ts';
import { type RunEvent, sampleEvents, type StageRun, stepEvent } from './events.ts';
import type { Prompts, ScoredPrompt } from './prompts.ts';
import { addCounts, type KeptPrompt, NO_COUNTS, type RolloutCounts, RolloutWriter } from './rollout-store.ts';

export interface RolloutOptions extends StageRun {
  readonly prompts: Prompts<ScoredPrompt>;
  /** Index of the prompt at a position of the order in which they are asked. */
  readonly order: (position: number) => number;
  readonly count: number;
  readonly rollout_batch_size: number;
  /** Keep well-formed, finished answers only. */
  readonly validity_filter: boolean;
  readonly reward_threshold?: number;
  /** Share of the prompts that may stay unanswered. */
  readonly max_failed: number;
  readonly teacher: Teacher;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** Ids that the teacher may give. */
  readonly vocabSize: number;
}

/** A question with what its answers are scored by. */
type Asked = Question & Pick<ScoredPrompt, 'id' | 'scorer'>;

/** Scores drafts and keeps those that are valid, distinct and good enough. */
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

/** Why none of the answers is kept, and what to do. */
function whyNone({ drawn, valid, cut }: RolloutCounts, { reward_threshold }: RolloutOptions): string {
  if (drawn === 0) return 'no answer came that can be sent; see to the teacher and re-run the same command';
  const none = `none of ${drawn} answers`;
  if (valid > 0)
    return `${none} has a reward of at least ${reward_threshold ?? 0}; lower reward_threshold or take a better teacher`;
  if (2 * cut > drawn)
    return `${none} is valid, as ${cut} have no end or say nothing; raise generate_max_len, or see why the teacher does not end its turn`;
  return `${none} is valid, as ${drawn - cut} are not well-formed; the teacher is too weak for the format (train it first)`;
}

/** One pass over the prompts that are not settled yet. */
class Rollouts {
  readonly #options: RolloutOptions;
  readonly #writer: RolloutWriter;
  /** Places of prompts that were too long, to be stored with the next group. */
  #tooLong: number[] = [];
  readonly #failed: { readonly position: number; readonly why: string }[] = [];
  /** Counts since the last step, and prompts in all. */
  #since = NO_COUNTS;
  #settled = 0;
  #stepStart: number;

  constructor(options: RolloutOptions, writer: RolloutWriter) {
    this.#options = options;
    this.#writer = writer;
    for (const { positions, counts } of writer.settled) {
      // A step that was told of is over.
      const before = this.step;
      this.#settled += positions;
      this.#since = this.step > before ? NO_COUNTS : addCounts(this.#since, counts);
    }
    this.#stepStart = options.now();
  }

  get total(): number {
    return Math.ceil(this.#options.count / this.#options.rollout_batch_size);
  }

  /** Steps that are done: batches' worth of settled prompts. */
  get step(): number {
    const { count, rollout_batch_size: batch } = this.#options;
    return this.#settled >= count ? this.total : Math.floor(this.#settled / batch);
  }

  /** The prompts that are not settled, by batches. */
  *batches(): Generator<Batch<Asked>> {
    const { count, rollout_batch_size: batch } = this.#options;
    for (let number = 0; number < this.total; number++) {
      const first = number * batch;
      const positions = Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i);
      const open = positions.filter((position) => !this.#writer.done.has(position));
      if (open.length > 0) yield { number, questions: open.flatMap((position) => this.#question(position)) };
    }
  }

  #question(position: number): Asked[] {
    const { prompts, order } = this.#options;
    const [prompt] = prompts.at([order(position)]);
    if (prompt === undefined) {
      this.#tooLong.push(position);
      return [];
    }
    const { id, text, ids, dialogue, scorer } = prompt;
    const { messages, tools } = dialogue;
    return [{ position, id, text, ids, messages: messages.slice(0, -1), tools, scorer }];
  }

  /** Says what came of a group, and stores it last, so that the log has all that is stored. */
  async *settle(group: readonly Answered<Asked>[]): AsyncGenerator<RunEvent> {
    const positions = this.#tooLong;
    let counts: RolloutCounts = { ...NO_COUNTS, tooLong: positions.length };
    this.#tooLong = [];
    const chosen = [];
    for (const { question, drafts, failure } of group) {
      const { position, id, text: prompt, ids: promptIds } = question;
      if (failure !== undefined) {
        this.#failed.push({ position, why: `${id}: ${failure}` });
        continue;
      }
      positions.push(position);
      const { counts: own, kept: samples } = choose(this.#options, question, drafts);
      counts = addCounts(counts, own);
      if (samples.length > 0) chosen.push({ position, id, prompt, promptIds, samples });
    }
    const scored = await this.#options.teacher.score(chosen, this.#options.signal);
    const kept = chosen.map((prompt, i) => ({ ...prompt, samples: scored[i] ?? [] }));
    if (positions.length > 0) yield* this.#store(positions, counts, kept);
  }

  *#store(
    positions: readonly number[],
    counts: RolloutCounts,
    kept: readonly KeptPrompt[],
  ): Generator<RunEvent> {
    const { name: stage, now } = this.#options;
    const before = this.step;
    this.#settled += positions.length;
    this.#since = addCounts(this.#since, counts);
    const { step, total } = this;
    if (step > before) {
      const { drawn, valid, reward, completionTokens, promptTokens } = this.#since;
      const end = now();
      const of = (n: number): number => n / Math.max(1, drawn);
      yield stepEvent({
        stage,
        step,
        total,
        tokens: completionTokens + promptTokens,
        seconds: (end - this.#stepStart) / 1000,
        metrics: {
          reward: of(reward),
          valid: of(valid),
          kept: of(this.#since.kept),
          completion_tokens: of(completionTokens),
        },
      });
      this.#since = NO_COUNTS;
      this.#stepStart = end;
      yield* sampleEvents(stage, step, kept);
    }
    this.#writer.append(positions, counts, kept);
  }

  /** Warns of what stayed out; throws when too many prompts could not be answered, or nothing is kept. */
  async *close(): AsyncGenerator<RunEvent> {
    const { name: stage, count, max_failed } = this.#options;
    yield* this.settle([]);
    const [first] = this.#failed;
    if (first !== undefined) {
      const failed = { count: this.#failed.length, of: `${count} prompts`, first: first.why };
      yield unanswered(stage, failed, max_failed * count);
      const positions = this.#failed.map(({ position }) => position);
      yield* this.#store(positions, NO_COUNTS, []);
    }
    const sum = this.#writer.settled.reduce((so, { counts }) => addCounts(so, counts), NO_COUNTS);
    if (sum.kept === 0) {
      // Nobody can learn from it, so the same command asks again.
      this.#writer.clear();
      throw new UserError('NO_ANSWERS', `Stage ${stage}: ${whyNone(sum, this.#options)}.`);
    }
    if (sum.tooLong > 0) {
      const text = `${sum.tooLong} prompts were too long and were left out`;
      yield { type: 'warning', stage, text };
    }
  }
}

/**
 * Answers the prompts step by step until all are answered; what is on disk is not asked again. Throws the signal's reason
 * when it fires.
 */
export async function* runRollouts(options: RolloutOptions): AsyncGenerator<RunEvent, void, undefined> {
  const { name: stage, kind, teacher, tokenizer, vocabSize, folder } = options;
  const facts = { tokenizer: tokenizer.fingerprint(), vocabSize, topK: teacher.topK };
  using writer = new RolloutWriter(folder, facts);
  const rollouts = new Rollouts(options, writer);
  const { total, step } = rollouts;
  yield { type: 'stage', stage, kind, total, done: step };
  if (step < total) {
    const draw = (stop: AbortSignal) => teacher.draw(rollouts.batches(), stop);
    const settle = (group: readonly Answered<Asked>[]) => rollouts.settle(group);
    yield* asking(options, teacher.sampler, teacher.sampling, draw, settle);
  }
  yield* rollouts.close();
  writer.finish();
}
