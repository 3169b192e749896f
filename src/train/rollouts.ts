/**
 * Teacher rollouts: n answers a prompt, of which the well-formed and distinct ones are kept, with the teacher's
 * top-k log-probabilities at every token (STAR's teacher_rollout.py; correctness is not checked there either).
 */
import { isAbort, required, UserError } from '../base/errors.ts';
import type { Tokenizer } from '../chat/tokenizer.ts';
import { withNotices } from '../sampling/notices.ts';
import { answerKey } from '../sampling/duplicates.ts';
import type { Answered, Batch, Draft, Question, Select, Teacher } from '../sampling/teacher.ts';
import type { DrawnSample, RunEvent } from './events.ts';
import { memoryMb } from './loop.ts';
import type { Prompts, ScoredPrompt } from './prompts.ts';
import {
  addCounts,
  claimTeacher,
  type KeptPrompt,
  NO_COUNTS,
  type RolloutCounts,
  RolloutWriter,
} from './rollout-store.ts';

export interface RolloutOptions {
  readonly name: string;
  readonly prompts: Prompts<ScoredPrompt>;
  /** Index of the prompt at a position of the order in which they are asked. */
  readonly order: (position: number) => number;
  /** Number of prompts to answer. */
  readonly count: number;
  /** Prompts a step. */
  readonly batch: number;
  /** Keep well-formed, finished answers only. */
  readonly validityFilter: boolean;
  readonly rewardThreshold: number | undefined;
  /** Share of the prompts that may stay unanswered. */
  readonly failureTolerance: number;
  readonly teacher: Teacher;
  readonly tokenizer: Tokenizer;
  /** Ids that the teacher may give. */
  readonly vocabSize: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Choice among one question's answers. */
interface Choice {
  readonly counts: RolloutCounts;
  readonly rewards: ReadonlyMap<Draft, number>;
}

/** A question with what its answers are scored by. */
interface Asked {
  readonly question: Question;
  readonly scorer: ScoredPrompt['scorer'];
}

/** Scores drafts and keeps those that are valid, distinct and good enough. */
function choose(
  { validityFilter, rewardThreshold }: RolloutOptions,
  { question, scorer }: Asked,
  drafts: readonly Draft[],
): Choice {
  const seen = new Set<string>();
  const rewards = new Map<Draft, number>();
  let [valid, cut, total, tokens] = [0, 0, 0, 0];
  for (const draft of drafts) {
    const { reward, format } = scorer.score(draft.text);
    total += reward;
    tokens += draft.tokens.length;
    if (draft.finish === 'length') cut += 1;
    const wellFormed = format === 1 && draft.finish !== 'length';
    if (wellFormed) valid += 1;
    else if (validityFilter) continue;
    const key = answerKey(question.text, draft.text);
    if (seen.has(key) || (rewardThreshold !== undefined && reward < rewardThreshold)) continue;
    seen.add(key);
    rewards.set(draft, reward);
  }
  const counts = {
    ...NO_COUNTS,
    drawn: drafts.length,
    valid,
    kept: rewards.size,
    cut,
    reward: total,
    completionTokens: tokens,
    promptTokens: question.ids.length,
  };
  return { counts, rewards };
}

/** Why none of the answers is kept, and what to do. */
function whyNone({ drawn, valid, cut }: RolloutCounts, { rewardThreshold }: RolloutOptions): string {
  if (drawn === 0) return 'no answer came that can be sent; see to the teacher and run the same command';
  const none = `none of ${drawn} answers`;
  if (valid > 0)
    return `${none} has a reward of at least ${rewardThreshold ?? 0}; lower reward_threshold or take a better teacher`;
  if (2 * cut > drawn)
    return `${none} is valid, as ${cut} have no end or say nothing; raise generate_max_len, or see why the teacher does not end its turn`;
  return `${none} is valid, as ${drawn - cut} are not well-formed; the teacher is too weak for the format (train it first)`;
}

/** One pass over the prompts that are not settled yet. */
class Rollouts {
  readonly #options: RolloutOptions;
  readonly #writer: RolloutWriter;
  readonly #asked = new Map<number, Asked>();
  readonly #choices = new Map<number, Choice>();
  /** Places of prompts that were too long, to be stored with the next group. */
  #tooLong: number[] = [];
  readonly #failed: { readonly position: number; readonly why: string }[] = [];
  /** Counts since the last step, and prompts in all. */
  #since = NO_COUNTS;
  #settled: number;
  #stepStart: number;

  constructor(options: RolloutOptions, writer: RolloutWriter) {
    this.#options = options;
    this.#writer = writer;
    this.#settled = 0;
    for (const { positions, counts } of writer.settled) {
      // A step that was told of is over.
      const before = this.step;
      this.#settled += positions;
      this.#since = this.step > before ? NO_COUNTS : addCounts(this.#since, counts);
    }
    this.#stepStart = options.now();
  }

  get total(): number {
    return Math.ceil(this.#options.count / this.#options.batch);
  }

  /** Steps that are done: batches' worth of settled prompts. */
  get step(): number {
    const { count, batch } = this.#options;
    return this.#settled >= count ? this.total : Math.floor(this.#settled / batch);
  }

  /** The prompts that are not settled, by batches. */
  *batches(): Generator<Batch> {
    const { count, batch, order } = this.#options;
    for (let number = 0; number < this.total; number++) {
      const first = number * batch;
      const positions = Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i);
      const open = positions.filter((position) => !this.#writer.done.has(position));
      if (open.length > 0) yield { number, questions: this.#questions(open, order) };
    }
  }

  #questions(positions: readonly number[], order: (position: number) => number): Question[] {
    return positions.flatMap((position) => {
      const [prompt] = this.#options.prompts.at([order(position)]);
      if (prompt === undefined) {
        this.#tooLong.push(position);
        return [];
      }
      const { id, text, ids, dialogue, scorer } = prompt;
      const { messages, tools } = dialogue;
      const question = { position, id, text, ids, messages: messages.slice(0, -1), tools };
      this.#asked.set(position, { question, scorer });
      return [question];
    });
  }

  readonly select: Select = (question, drafts) => {
    const asked = required(this.#asked.get(question.position), 'the question of an answer');
    const choice = choose(this.#options, asked, drafts);
    this.#choices.set(question.position, choice);
    return drafts.filter((draft) => choice.rewards.has(draft));
  };

  /** Says what came of a group, and stores it last, so that the log has all that is stored. */
  *settle(group: readonly Answered[]): Generator<RunEvent> {
    const kept: KeptPrompt[] = [];
    const positions = this.#tooLong;
    let counts: RolloutCounts = { ...NO_COUNTS, tooLong: positions.length };
    this.#tooLong = [];
    for (const answered of group) {
      const { question } = answered;
      const { position, id, text, ids } = question;
      this.#asked.delete(position);
      if ('failure' in answered) {
        this.#failed.push({ position, why: `${id}: ${answered.failure}` });
        continue;
      }
      const choice = required(this.#choices.get(position), 'the choice among the answers of a prompt');
      this.#choices.delete(position);
      positions.push(position);
      counts = addCounts(counts, choice.counts);
      if (answered.kept.length === 0) continue;
      const samples = answered.kept.map(({ draft, logprobs, top }) => ({
        text: draft.text,
        tokens: draft.tokens,
        reward: choice.rewards.get(draft) ?? 0,
        logprobs,
        top,
      }));
      kept.push({ position, id, prompt: text, promptIds: ids, samples });
    }
    if (positions.length > 0) yield* this.#store(positions, counts, kept);
  }

  *#store(
    positions: readonly number[],
    counts: RolloutCounts,
    kept: readonly KeptPrompt[],
  ): Generator<RunEvent> {
    const before = this.step;
    this.#settled += positions.length;
    this.#since = addCounts(this.#since, counts);
    if (this.step > before) yield* this.#events(kept);
    this.#writer.append(positions, counts, kept);
  }

  *#events(kept: readonly KeptPrompt[]): Generator<RunEvent> {
    const { name, now } = this.#options;
    const { drawn, valid, kept: keptCount, reward, completionTokens, promptTokens } = this.#since;
    const end = now();
    const seconds = (end - this.#stepStart) / 1000;
    const of = (n: number): number => n / Math.max(1, drawn);
    const tokens = completionTokens + promptTokens;
    const { step, total } = this;
    const metrics = {
      reward: of(reward),
      valid: of(valid),
      kept: of(keptCount),
      completion_tokens: of(completionTokens),
      tokens_per_second: seconds > 0 ? tokens / seconds : 0,
      memory_mb: memoryMb(),
    };
    this.#since = NO_COUNTS;
    this.#stepStart = end;
    yield { type: 'step', stage: name, step, total, tokens, seconds, metrics };
    const samples = kept.slice(0, 2).flatMap(({ id, prompt, samples: own }) =>
      own.slice(0, 2).map(({ text, reward: earned }): DrawnSample => ({
        id,
        prompt,
        generation: text,
        reward: earned,
      })),
    );
    if (samples.length > 0) yield { type: 'sample', stage: name, step, samples };
  }

  /** Warns of what stayed out; throws when too many prompts could not be answered, or nothing is kept. */
  *close(): Generator<RunEvent> {
    const { name, count, failureTolerance } = this.#options;
    yield* this.settle([]);
    const [first] = this.#failed;
    if (first !== undefined) {
      const text = `${this.#failed.length} of ${count} prompts were not answered (${first.why})`;
      if (this.#failed.length > failureTolerance * count)
        throw new UserError('TEACHER', `Stage ${name}: ${text}; run the same command to ask them again.`);
      yield { type: 'warning', stage: name, text };
      yield* this.#store(
        this.#failed.map(({ position }) => position),
        NO_COUNTS,
        [],
      );
    }
    const sum = this.#writer.settled.reduce((so, { counts }) => addCounts(so, counts), NO_COUNTS);
    if (sum.kept === 0) {
      // Nobody can learn from it, so the same command asks again.
      this.#writer.clear();
      throw new UserError('NO_ANSWERS', `Stage ${name}: ${whyNone(sum, this.#options)}.`);
    }
    if (sum.tooLong > 0) {
      const text = `${sum.tooLong} prompts were too long and were left out`;
      yield { type: 'warning', stage: name, text };
    }
  }
}

/** Warnings of a teacher before it is asked, and its answers. */
async function* answers(
  { name, teacher, folder }: RolloutOptions,
  rollouts: Rollouts,
  signal: AbortSignal,
): AsyncGenerator<RunEvent | readonly Answered[]> {
  for (const text of await teacher.check(signal)) yield { type: 'warning', stage: name, text };
  const { served = '' } = teacher.sampler;
  if (served !== '') claimTeacher(folder, served);
  yield* teacher.answer(rollouts.batches(), rollouts.select, signal);
}

/** Answers the prompts step by step; what is on disk is not asked again. True when all are answered. */
export async function* runRollouts(options: RolloutOptions): AsyncGenerator<RunEvent, boolean> {
  const { name, teacher, tokenizer, vocabSize, folder, signal } = options;
  const facts = { tokenizer: tokenizer.fingerprint(), vocabSize, topK: teacher.topK };
  using writer = new RolloutWriter(folder, facts);
  const rollouts = new Rollouts(options, writer);
  const { total, step } = rollouts;
  yield { type: 'stage', stage: name, kind: 'rollout', total, done: step };
  try {
    if (step < total) {
      signal.throwIfAborted();
      const work = (stop: AbortSignal): AsyncGenerator<RunEvent | readonly Answered[]> =>
        answers(options, rollouts, stop);
      const waiting = (text: string): RunEvent => ({ type: 'waiting', stage: name, text });
      for await (const item of withNotices(work, teacher.sampler.notices, waiting, signal)) {
        if ('type' in item) yield item;
        else yield* rollouts.settle(item);
      }
    }
  } catch (thrown) {
    if (!isAbort(thrown, signal)) throw thrown;
    return false;
  }
  yield* rollouts.close();
  writer.finish();
  return true;
}
