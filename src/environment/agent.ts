/**
 * The step-by-step agent, which makes chains of calls to learn preferences from (Manduzio et al., arXiv 2410.18890; the
 * rules are those of the microchain library): one call a step; a step that fails is written again with the error in
 * sight, and only the call that worked, with its result, stays in the chain; thinking aloud and stopping are functions
 * of their own; a chain has a limited number of steps. In place of microchain's own syntax, calls are written as the
 * checkpoint's chat template has them.
 */
import { UserError } from '../base/errors.ts';
import { hashString } from '../base/rng.ts';
import { asTokenIds, type TokenIds } from '../base/token-ids.ts';
import type { Message, Tool } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';
import type { Sample } from '../model/generate/generation.ts';
import { type Prompt, sampleAll } from '../sampling/sampler.ts';
import type { WrittenCall } from '../chat/formats/format.ts';
import type { ConversationTask, ConverseOptions, Voice } from './conversation.ts';
import { type EnvironmentHost, type Session, type ToolResult, toolWith } from './environment.ts';
import { errorResult } from './result.ts';
import type { ProblemPrompt, Speech } from './speech.ts';
import { type TurnCall, turnMessages } from './turn.ts';

const TEXT = { type: 'string' };
export const REASONING = toolWith('reasoning', 'write down a thought', { reasoning: TEXT });
export const STOP = toolWith('stop', 'end, with the answer', { answer: TEXT });
const INSTRUCTION = 'Make one call at a time. When you know the answer, call stop.';
const RECORDED = 'The reasoning has been recorded';
const STOPPED = 'The program has been stopped';

/** The agent's functions: the environment's, thinking aloud, and stopping. Throws a UserError when one name is taken. */
export function agentTools(host: Pick<EnvironmentHost, 'name' | 'tools'>): readonly Tool[] {
  const taken = host.tools.find(({ name }) => name === REASONING.name || name === STOP.name);
  if (taken !== undefined) {
    throw new UserError(
      'ENVIRONMENT',
      `The environment ${host.name} has a function ${taken.name}, which is one of the agent's own; rename it.`,
    );
  }
  return [...host.tools, REASONING, STOP];
}

/** The prompt of a problem for the agent. */
export const agentPrompt = (speech: Speech, question: string, tools: readonly Tool[]): ProblemPrompt =>
  speech.prompt(question, tools, INSTRUCTION);

/** A call that worked, with what came of it. */
export interface ChainStep {
  /** Text of the model, to the end of its turn. */
  readonly text: string;
  readonly tokens: TokenIds;
  /** Of those tokens, as they were drawn. */
  readonly logprobs: Float32Array;
  readonly call: WrittenCall;
  readonly result: string;
  /** The result as the model reads it, up to where it goes on; empty after the last step. */
  readonly reply: TokenIds;
}

/** Ends of a chain: it was stopped; it had no steps, no tries for a step, or no room left. */
const CHAIN_ENDS = ['stopped', 'steps', 'tries', 'length'] as const;
export type ChainEnd = (typeof CHAIN_ENDS)[number];

export interface Chain {
  readonly steps: readonly ChainStep[];
  readonly end: ChainEnd;
  /** The argument of the call that stopped the chain. */
  readonly answer: string | undefined;
  /** Calls that failed and were written again. */
  readonly failures: number;
}

/** Options of a chain, whose turns are its steps, the last one included; microchain has 10. */
export interface AgentOptions extends ConverseOptions {
  /** Tries that a step may have; microchain has 10. */
  readonly max_tries: number;
  /** Tokens that a chain may have before a step, failed tries of that step included. */
  readonly max_length: number;
}

const broken = (message: string): TurnCall => ({ kind: 'broken', message });

/** The one call of a turn. */
function readStep([call, ...others]: readonly TurnCall[]): TurnCall {
  if (call === undefined) return broken('there is no call; make one, or call stop');
  return others.length === 0 ? call : broken(`there are ${others.length + 1} calls; make one at a time`);
}

/** The argument of one of the agent's own functions; a number will do for a text. */
function ownArgument(given: JsonObject, name: string): string | undefined {
  const value = given[name];
  const usable = typeof value === 'string' || typeof value === 'number';
  return usable && Object.keys(given).length === 1 ? String(value) : undefined;
}

/** Part of a chain, as tokens and as messages. */
type Written = Required<Pick<Prompt, 'ids' | 'messages'>>;

const NOTHING: Written = { ids: asTokenIds([]), messages: [] };

const after = (before: Written, { ids, messages }: Written): Written => ({
  ids: asTokenIds([...before.ids, ...ids]),
  messages: [...before.messages, ...messages],
});

/** One chain while it grows. */
class Walk {
  readonly #speech: Speech;
  readonly #session: Session;
  readonly #prompt: number;
  readonly #options: AgentOptions;
  readonly #tools: readonly Tool[];
  /** Prompt and steps, as tokens and as messages. */
  #kept: Written;
  /** Failed tries of the present step with their errors; forgotten when it works. */
  #tried = NOTHING;
  #tries = 0;
  #failures = 0;
  #answer: string | undefined;
  readonly #steps: ChainStep[] = [];
  end: ChainEnd | undefined;

  constructor(task: ConversationTask, speech: Speech, session: Session, options: AgentOptions) {
    const { ids = speech.tokenizer.encode(task.text ?? ''), messages = [], tools = [] } = task;
    this.#kept = { ids, messages };
    this.#tools = tools;
    this.#prompt = ids.length;
    this.#speech = speech;
    this.#session = session;
    this.#options = options;
  }

  /** Tokens after the prompt. */
  get length(): number {
    return this.#kept.ids.length + this.#tried.ids.length - this.#prompt;
  }

  /** The text that the next step is written after. */
  get prompt(): Prompt {
    return { ...after(this.#kept, this.#tried), tools: this.#tools };
  }

  /** Takes what was written as the next step, or as a try at it. */
  async take(sample: Sample): Promise<void> {
    const { tokenizer } = this.#speech;
    const text = tokenizer.decode(sample.tokens);
    const calls = this.#speech.calls(text, this.#tools);
    const written = sample.finish === 'length' ? broken('the turn is too long') : readStep(calls);
    const result =
      written.kind === 'broken'
        ? errorResult(written.message)
        : await this.#make(written.name, written.given);
    const said = text.replace(tokenizer.tokenText(tokenizer.turnEndId), '');
    const messages = turnMessages(said, calls, [result.text], this.#speech.format);
    if (written.kind === 'call' && result.ok)
      this.#keep(sample, messages, { text, call: written.written, result: result.text });
    else this.#fail(sample, messages, result.text);
  }

  async #make(name: string, given: JsonObject): Promise<ToolResult> {
    if (name !== REASONING.name && name !== STOP.name) return this.#session.call(name, given);
    const [argument, text] = name === STOP.name ? ['answer', STOPPED] : ['reasoning', RECORDED];
    const value = ownArgument(given, argument);
    if (value === undefined) return errorResult(`${name} has one argument, the text ${argument}`);
    if (name === STOP.name) this.#answer = value;
    return { text, ok: true };
  }

  #keep(
    { tokens, logprobs }: Sample,
    messages: readonly Message[],
    step: Pick<ChainStep, 'text' | 'call' | 'result'>,
  ): void {
    const last = this.#answer !== undefined || this.#steps.length + 1 === this.#options.max_turns;
    const reply = last ? asTokenIds([]) : this.#speech.results([step.result]);
    this.#steps.push({ ...step, tokens, logprobs, reply });
    if (last) this.end = this.#answer === undefined ? 'steps' : 'stopped';
    this.#kept = after(this.#kept, { ids: asTokenIds([...tokens, ...reply]), messages });
    this.#tried = NOTHING;
    this.#tries = 0;
  }

  #fail({ tokens, finish }: Sample, messages: readonly Message[], error: string): void {
    this.#failures += 1;
    this.#tries += 1;
    if (this.#tries === this.#options.max_tries) this.end = 'tries';
    const { turnEndId } = this.#speech.tokenizer;
    const ended = finish === 'length' ? [...tokens, turnEndId] : tokens;
    const ids = asTokenIds([...ended, ...this.#speech.results([error])]);
    this.#tried = after(this.#tried, { ids, messages });
  }

  finish(): Chain {
    this.#session.close();
    return {
      steps: this.#steps,
      end: this.end ?? 'length',
      answer: this.#answer,
      failures: this.#failures,
    };
  }
}

/**
 * Lets the agent walk `n_samples_per_prompt` chains of each task, all of them step by step together. Ends whatever the
 * model writes: after max_turns x max_tries turns at the latest. A task that a server does not go on with has no chains.
 */
export async function runAgent(
  tasks: readonly ConversationTask[],
  { sampler, speech, host }: Voice,
  options: AgentOptions,
): Promise<Chain[][]> {
  const { n_samples_per_prompt: samples = 1, seed = 0, max_turns, max_tries, max_length } = options;
  const walks = tasks.map((task) =>
    Array.from({ length: samples }, () => new Walk(task, speech, host.open(task.setting), options)),
  );
  const failed = new Set<number>();
  const fail = (walk: Walk | undefined, why: string): void => {
    const task = walks.findIndex((own) => walk !== undefined && own.includes(walk));
    if (options.onFailure === undefined)
      throw new UserError('NOT_ANSWERED', `A prompt is not answered: ${why}.`);
    if (!failed.has(task)) options.onFailure(task, why);
    failed.add(task);
    for (const own of walks[task] ?? []) own.end ??= 'length';
  };
  for (let round = 0; round < max_turns * max_tries; round++) {
    const active = walks.flatMap((own) => own.filter(({ end }) => end === undefined));
    for (const walk of active) if (walk.length > max_length) walk.end = 'length';
    // The first steps of a task's chains share their prompt.
    const groups =
      round === 0
        ? walks.map((own) => own.filter(({ end }) => end === undefined)).filter(({ length }) => length > 0)
        : active.filter(({ end }) => end === undefined).map((walk) => [walk]);
    if (groups.length === 0) break;
    const drawn = await sampleAll(
      sampler,
      groups.flatMap(([first]) => first?.prompt ?? []),
      {
        ...options,
        n_samples_per_prompt: round === 0 ? samples : 1,
        seed: hashString(`${seed}:${round}`),
      },
      (i, why) => fail(groups[i]?.[0], why),
    );
    for (const [i, group] of groups.entries()) {
      for (const [j, walk] of group.entries()) {
        const sample = drawn[i]?.[j];
        if (sample !== undefined) await walk.take(sample);
      }
    }
  }
  return walks.map((own, task) => {
    const chains = own.map((walk) => walk.finish());
    return failed.has(task) ? [] : chains;
  });
}
