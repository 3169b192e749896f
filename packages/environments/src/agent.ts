/**
 * The step-by-step agent, which makes chains of calls to learn preferences from (Manduzio et al., arXiv 2410.18890; the
 * rules are those of the microchain library): one call a step; a step that fails is written again with the error in
 * sight, and only the call that worked, with its result, stays in the chain; thinking aloud and stopping are functions
 * of their own; a chain has a limited number of steps. In place of microchain's own syntax, calls are written as the
 * checkpoint's chat template has them.
 */
import { required, UserError } from '../../../src/base/errors.ts';
import { hashString } from '../../../src/base/rng.ts';
import { asTokenIds } from '../../../src/base/token-ids.ts';
import type { Message } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { Sample } from '../../../src/model/generate/generation.ts';
import { type Prompt, sampleAll } from '../../../src/sampling/sampler.ts';
import type { Conversation, ConversationTask, ConverseOptions, MadeCall, Voice } from './conversation.ts';
import { type EnvironmentHost, type Session, type ToolResult, toolWith } from './environment.ts';
import { errorResult } from './result.ts';
import type { ProblemPrompt, Speech } from './speech.ts';
import { broken, type TurnCall } from './turn.ts';

const TEXT = { type: 'string' };
const REASONING = toolWith('reasoning', 'write down a thought', { reasoning: TEXT });
export const STOP = toolWith('stop', 'end, with the answer', { answer: TEXT });
const INSTRUCTION = 'Make one call at a time. When you know the answer, call stop.';
const RECORDED = 'The reasoning has been recorded';

/** Tells whether a function is one of the agent's own: thinking aloud, or stopping. */
const isOwn = (name: string): boolean => name === REASONING.name || name === STOP.name;

/** The prompt of a problem for the agent. Throws a UserError for an environment with a function of an own one's name. */
export function agentPrompt(
  speech: Speech,
  question: string,
  host: Pick<EnvironmentHost, 'name' | 'tools'>,
): ProblemPrompt {
  const taken = host.tools.find(({ name }) => isOwn(name));
  if (taken !== undefined) {
    throw new UserError(
      'ENVIRONMENT',
      `The environment ${host.name} has a function ${taken.name}, which is one of the agent's own; rename it.`,
    );
  }
  return speech.prompt(question, [...host.tools, REASONING, STOP], INSTRUCTION);
}

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

/** Options of a chain, whose turns are its steps, the last one included; microchain has 10. */
export interface AgentOptions extends ConverseOptions {
  /** Tries that a step may have; microchain has 10. */
  readonly max_tries: number;
}

/** One chain while it grows. */
class Walk {
  readonly #speech: Speech;
  readonly #session: Session;
  readonly #options: AgentOptions;
  readonly #task: Required<Pick<Prompt, 'ids' | 'messages' | 'tools'>>;
  /** Steps that worked, as tokens and as messages. */
  #kept = NOTHING;
  /** Failed tries of the present step with their errors; forgotten when it works. */
  #tried = NOTHING;
  #tries = 0;
  #answer: string | undefined;
  readonly #turns: string[] = [];
  readonly #calls: MadeCall[] = [];
  /** Of the steps' tokens. */
  readonly #logprobs: number[] = [];
  readonly #drawn: number[] = [];
  /** Number of tokens up to the end of the last step: what is read after it is no part of the conversation. */
  #length = 0;
  end: Conversation['end'] | undefined;

  constructor(task: ConversationTask, speech: Speech, session: Session, options: AgentOptions) {
    const { ids = speech.tokenizer.encode(task.text ?? ''), messages = [], tools = [] } = task;
    this.#task = { ids, messages, tools };
    this.#speech = speech;
    this.#session = session;
    this.#options = options;
  }

  get prompt(): Prompt {
    return { ...after(after(this.#task, this.#kept), this.#tried), tools: this.#task.tools };
  }

  /** Takes what was written as the next step, or as a try at it. */
  async take(sample: Sample): Promise<void> {
    const text = this.#speech.tokenizer.decode(sample.tokens);
    const calls = this.#speech.calls(text, this.#task.tools);
    const step = sample.finish === 'length' ? broken('the turn is too long') : readStep(calls);
    const result =
      step.kind === 'broken' ? errorResult(step.message) : await this.#make(step.name, step.given);
    const messages = this.#speech.messages(text, calls, [result.text]);
    if (step.kind === 'broken' || !result.ok) this.#fail(sample, messages, result.text);
    else {
      this.#turns.push(text);
      if (!isOwn(step.name)) this.#calls.push({ call: step.written, result });
      this.#keep(sample, messages, result.text);
    }
    // Of tokens before a step, failed tries of that step included.
    const length = this.#kept.ids.length + this.#tried.ids.length;
    if (length > this.#options.generate_max_len) this.end ??= 'length';
  }

  async #make(name: string, given: JsonObject): Promise<ToolResult> {
    if (!isOwn(name)) return this.#session.call(name, given);
    const argument = name === STOP.name ? 'answer' : 'reasoning';
    const value = ownArgument(given, argument);
    if (value === undefined) return errorResult(`${name} has one argument, the text ${argument}`);
    if (name === STOP.name) this.#answer = value;
    return { text: RECORDED, ok: true };
  }

  #keep({ tokens, logprobs }: Sample, messages: readonly Message[], result: string): void {
    if (this.#answer !== undefined) this.end = 'answer';
    else if (this.#turns.length === this.#options.max_turns) this.end = 'turns';
    const reply = this.end === undefined ? this.#speech.results([result]) : asTokenIds([]);
    this.#kept = after(this.#kept, { ids: asTokenIds([...tokens, ...reply]), messages });
    this.#logprobs.push(...logprobs, ...reply.map(() => 0));
    this.#drawn.push(...tokens.map(() => 1), ...reply.map(() => 0));
    this.#length = this.#kept.ids.length - reply.length;
    this.#tried = NOTHING;
    this.#tries = 0;
  }

  #fail({ tokens, finish }: Sample, messages: readonly Message[], error: string): void {
    this.#tries += 1;
    if (this.#tries === this.#options.max_tries) this.end = 'turns';
    const { turnEndId } = this.#speech.tokenizer;
    const ended = finish === 'length' ? [...tokens, turnEndId] : tokens;
    const ids = asTokenIds([...ended, ...this.#speech.results([error])]);
    this.#tried = after(this.#tried, { ids, messages });
  }

  /** The chain as a conversation: what it was stopped with is its answer, and the agent's own functions are no calls. */
  finish(): Conversation {
    this.#session.close();
    const answer = this.#answer;
    return {
      tokens: asTokenIds(this.#kept.ids.slice(0, this.#length)),
      logprobs: Float32Array.from(this.#logprobs.slice(0, this.#length)),
      drawn: Uint8Array.from(this.#drawn.slice(0, this.#length)),
      finish: answer === undefined ? 'length' : 'stop',
      turns: this.#turns,
      calls: this.#calls,
      response: {
        text: this.#turns.join('') + (answer === undefined ? '' : `\\boxed{${answer}}`),
        calls: this.#calls.flatMap(({ call }) => call ?? []),
        ended: answer !== undefined,
      },
      end: this.end ?? 'length',
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
): Promise<Conversation[][]> {
  const { n_samples_per_prompt: samples = 1, seed = 0, max_turns, max_tries, onFailure } = options;
  const walks = tasks.map((task) =>
    Array.from({ length: samples }, () => new Walk(task, speech, host.open(task.setting), options)),
  );
  const failed = new Set<number>();
  const fail = (task: number, why: string): void => {
    if (!failed.has(task)) onFailure?.(task, why);
    failed.add(task);
    for (const walk of walks[task] ?? []) walk.end ??= 'length';
  };
  for (let round = 0; round < max_turns * max_tries; round++) {
    const groups = walks.flatMap((own, task) => {
      const active = own.filter(({ end }) => end === undefined);
      // The first steps of a task's chains share their prompt.
      return round === 0 ? [{ task, active }] : active.map((walk) => ({ task, active: [walk] }));
    });
    if (groups.length === 0) break;
    const drawn = await sampleAll(
      sampler,
      groups.flatMap(({ active: [first] }) => first?.prompt ?? []),
      {
        ...options,
        n_samples_per_prompt: round === 0 ? samples : 1,
        seed: hashString(`${seed}:${round}`),
      },
      onFailure && ((i, why) => fail(required(groups[i], 'a group').task, why)),
    );
    for (const [i, { active }] of groups.entries()) {
      for (const [j, walk] of active.entries()) {
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
