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
import type { Tool } from '../chat/messages.ts';
import type { JsonObject } from '../json/value.ts';
import type { GenerateOptions, Generator, Sample } from '../model/generate/generation.ts';
import type { WrittenCall } from '../chat/generation.ts';
import type { EnvironmentHost, Session, ToolResult } from './environment.ts';
import { errorResult } from './result.ts';
import type { Speech } from './speech.ts';
import { callsOfTurn, type TurnCall } from './turn.ts';

function textTool(name: string, description: string, argument: string): Tool {
  const parameters = {
    type: 'object',
    properties: { [argument]: { type: 'string' } },
    required: [argument],
  };
  return { name, description, parameters };
}

export const REASONING = textTool('reasoning', 'write down a thought', 'reasoning');
export const STOP = textTool('stop', 'end, with the answer', 'answer');
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
export function agentPrompt(
  speech: Speech,
  question: string,
  tools: readonly Tool[],
): { readonly text: string; readonly ids: TokenIds } {
  const content = `${question}\n${INSTRUCTION}`;
  const text = speech.template.prompt({ messages: [{ role: 'user', content }], tools });
  return { text, ids: speech.tokenizer.encode(text) };
}

/** A call that worked, with what came of it. */
export interface ChainStep {
  /** What the model wrote, to the end of its turn. */
  readonly text: string;
  readonly tokens: TokenIds;
  /** Of those tokens, as they were drawn. */
  readonly logprobs: Float32Array;
  readonly call: WrittenCall;
  readonly result: string;
  /** The result as the model reads it, up to where it goes on; empty after the last step. */
  readonly reply: TokenIds;
}

/** How a chain ended: it was stopped; it had no steps, no tries for a step, or no room left. */
const CHAIN_ENDS = ['stopped', 'steps', 'tries', 'length'] as const;
export type ChainEnd = (typeof CHAIN_ENDS)[number];

export interface Chain {
  readonly steps: readonly ChainStep[];
  readonly end: ChainEnd;
  /** What the chain was stopped with. */
  readonly answer: string | undefined;
  /** Calls that failed and were written again. */
  readonly failures: number;
}

export interface AgentTask {
  readonly ids: TokenIds;
  /** What the environment's state begins from. */
  readonly setting: JsonObject;
}

export interface AgentOptions extends Omit<GenerateOptions, 'stopIds' | 'reply' | 'samples' | 'seed'> {
  /** Chains a task. */
  readonly samples: number;
  readonly seed: number;
  /** Steps of a chain at most, the last one included; microchain has 10. */
  readonly maxSteps: number;
  /** How often a step may be written; microchain has 10. */
  readonly maxTries: number;
  /** Tokens that a chain may have before a step, failed tries of that step included. */
  readonly maxLength: number;
}

type Written = Extract<TurnCall, { kind: 'call' }> | { readonly kind: 'error'; readonly message: string };

/** The one call of a turn. */
function readStep(text: string): Written {
  const [call, ...others] = callsOfTurn(text);
  if (call === undefined) return { kind: 'error', message: 'there is no call; make one, or call stop' };
  if (others.length > 0)
    return { kind: 'error', message: `there are ${others.length + 1} calls; make one at a time` };
  if (call.kind === 'broken') return { kind: 'error', message: call.message };
  return call;
}

/** The argument of one of the agent's own functions; a number will do for a text. */
function ownArgument(given: JsonObject, name: string): string | undefined {
  const value = given[name];
  const usable = typeof value === 'string' || typeof value === 'number';
  return usable && Object.keys(given).length === 1 ? String(value) : undefined;
}

/** One chain while it grows. */
class Walk {
  readonly #speech: Speech;
  readonly #session: Session;
  readonly #prompt: number;
  readonly #options: Pick<AgentOptions, 'maxSteps' | 'maxTries'>;
  /** Prompt and steps. */
  #kept: number[];
  /** Failed tries of the present step with their errors; forgotten when it works. */
  #tried: number[] = [];
  #tries = 0;
  #failures = 0;
  #answer: string | undefined;
  readonly #steps: ChainStep[] = [];
  end: ChainEnd | undefined;

  constructor(task: AgentTask, speech: Speech, session: Session, options: AgentOptions) {
    this.#kept = [...task.ids];
    this.#prompt = task.ids.length;
    this.#speech = speech;
    this.#session = session;
    this.#options = options;
  }

  /** Tokens after the prompt. */
  get length(): number {
    return this.#kept.length + this.#tried.length - this.#prompt;
  }

  /** What the next step is written after. */
  get ids(): TokenIds {
    return asTokenIds([...this.#kept, ...this.#tried]);
  }

  /** Takes what was written as the next step, or as a try at it. */
  async take(sample: Sample): Promise<void> {
    const { tokenizer } = this.#speech;
    const text = tokenizer.decode(sample.tokens);
    const written: Written =
      sample.finish === 'length' ? { kind: 'error', message: 'the turn is too long' } : readStep(text);
    const result =
      written.kind === 'error' ? errorResult(written.message) : await this.#make(written.name, written.given);
    if (written.kind === 'call' && result.ok) this.#keep(sample, text, written.written, result.text);
    else this.#fail(sample, result.text);
  }

  async #make(name: string, given: JsonObject): Promise<ToolResult> {
    if (name !== REASONING.name && name !== STOP.name) return this.#session.call(name, given);
    const [argument, text] = name === STOP.name ? ['answer', STOPPED] : ['reasoning', RECORDED];
    const value = ownArgument(given, argument);
    if (value === undefined) return errorResult(`${name} has one argument, the text ${argument}`);
    if (name === STOP.name) this.#answer = value;
    return { text, ok: true };
  }

  #keep({ tokens, logprobs }: Sample, text: string, call: WrittenCall, result: string): void {
    const last = this.#answer !== undefined || this.#steps.length + 1 === this.#options.maxSteps;
    const reply = last ? asTokenIds([]) : this.#speech.results([result]);
    this.#steps.push({ text, tokens, logprobs, call, result, reply });
    if (last) this.end = this.#answer === undefined ? 'steps' : 'stopped';
    this.#kept = [...this.#kept, ...tokens, ...reply];
    this.#tried = [];
    this.#tries = 0;
  }

  #fail({ tokens, finish }: Sample, error: string): void {
    this.#failures += 1;
    this.#tries += 1;
    if (this.#tries === this.#options.maxTries) this.end = 'tries';
    const { turnEndId } = this.#speech.tokenizer;
    const ended = finish === 'length' ? [...tokens, turnEndId] : tokens;
    this.#tried = [...this.#tried, ...ended, ...this.#speech.results([error])];
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
 * Lets the agent walk `options.samples` chains of each task, all of them step by step together. Ends whatever the model
 * writes: after maxSteps x maxTries turns at the latest.
 */
export async function runAgent(
  tasks: readonly AgentTask[],
  {
    generator,
    speech,
    host,
  }: { generator: Pick<Generator, 'generate'>; speech: Speech; host: EnvironmentHost },
  options: AgentOptions,
): Promise<Chain[][]> {
  const { samples, seed, maxSteps, maxTries, maxLength, ...sampling } = options;
  const walks = tasks.map((task) =>
    Array.from({ length: samples }, () => new Walk(task, speech, host.open(task.setting), options)),
  );
  const draw = (prompts: readonly TokenIds[], count: number, round: number): Promise<Sample[][]> =>
    generator.generate(prompts, {
      ...sampling,
      samples: count,
      stopIds: speech.tokenizer.stopIds,
      seed: hashString(`${seed}:${round}`),
    });
  for (let round = 0; round < maxSteps * maxTries; round++) {
    const active = walks.flatMap((own) => own.filter(({ end }) => end === undefined));
    for (const walk of active) if (walk.length > maxLength) walk.end = 'length';
    // The first steps of a task's chains share their prompt.
    const groups =
      round === 0
        ? walks.map((own) => own.filter(({ end }) => end === undefined)).filter(({ length }) => length > 0)
        : active.filter(({ end }) => end === undefined).map((walk) => [walk]);
    if (groups.length === 0) break;
    const prompts = groups.flatMap(([first]) => first?.ids ?? []);
    const drawn = await draw(prompts, round === 0 ? samples : 1, round);
    for (const [i, group] of groups.entries()) {
      for (const [j, walk] of group.entries()) {
        const sample = drawn[i]?.[j];
        if (sample !== undefined) await walk.take(sample);
      }
    }
  }
  return walks.map((own) => own.map((walk) => walk.finish()));
}
