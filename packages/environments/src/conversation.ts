/**
 * Conversations in which calls are made: a model writes, its calls are executed, their results are read back into the
 * same sample, until it answers or has had its turns. All samples of a prompt share the prompt's computation, and
 * every sample keeps its own cache from turn to turn.
 */
import type { TokenIds } from '../../../src/base/token-ids.ts';
import type { WrittenCall } from '../../../src/chat/formats/format.ts';
import type { Tool } from '../../../src/chat/messages.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import type { ConversationResponse } from '../../../src/rewards/reward.ts';
import type { Sample, Stopped } from '../../../src/model/generate/generation.ts';
import {
  type Prompt,
  type Reply,
  sampleAll,
  type SampleOptions,
  type Sampler,
} from '../../../src/sampling/sampler.ts';
import type { EnvironmentHost, Session, ToolResult } from './environment.ts';
import { errorResult } from './result.ts';
import type { Speech } from './speech.ts';
import { callsAnywhere, type TurnCall } from './turn.ts';

/** Calls of one turn that are made at most. */
const MAX_CALLS = 8;

export interface ConversationTask extends Prompt {
  /** Beginning of the environment's state. */
  readonly setting: JsonObject;
}

/** A call that was tried, with what came of it. */
export interface MadeCall {
  /** Undefined when it could not be read. */
  readonly call: WrittenCall | undefined;
  readonly result: ToolResult;
}

export interface Conversation extends Sample {
  /** Text of the model, turn by turn, special tokens included. */
  readonly turns: readonly string[];
  readonly calls: readonly MadeCall[];
  /** The part that rewards look at. */
  readonly response: ConversationResponse;
  /** It ended its last turn without a call, or was cut: it had no turns left, or no tokens. */
  readonly end: 'answer' | 'turns' | 'length';
}

/** A model that talks, with its chat template and the environment. */
export interface Voice {
  readonly sampler: Pick<Sampler, 'sample'>;
  readonly speech: Speech;
  readonly host: EnvironmentHost;
}

export interface ConverseOptions extends Omit<SampleOptions, 'reply'> {
  readonly max_turns: number;
  /** Hears of a task that a server does not go on with, which then has no conversations; without it that is an error. */
  readonly onFailure?: (task: number, why: string) => void;
}

/** One sample's conversation while it goes on. */
class Talk {
  readonly turns: string[] = [];
  readonly calls: MadeCall[] = [];
  readonly #session: Session;
  readonly #speech: Speech;
  readonly #tools: readonly Tool[];
  /** Beginning of the present turn in the sample's tokens. */
  #start = 0;

  constructor(session: Session, speech: Speech, tools: readonly Tool[]) {
    this.#tools = tools;
    this.#session = session;
    this.#speech = speech;
  }

  async #make(call: TurnCall, index: number): Promise<MadeCall> {
    if (call.kind === 'broken') return { call: undefined, result: errorResult(call.message) };
    const { name, given, written } = call;
    const result =
      index < MAX_CALLS
        ? await this.#session.call(name, given)
        : errorResult(`a turn has at most ${MAX_CALLS} calls`);
    return { call: written, result };
  }

  #take(tokens: TokenIds): TurnCall[] {
    const text = this.#speech.tokenizer.decode(tokens.subarray(this.#start));
    this.#start = tokens.length;
    this.turns.push(text);
    return this.#speech.calls(text, this.#tools);
  }

  /** Takes a turn that ended, and gives the results of its calls; undefined when the conversation is over. */
  async reply(tokens: TokenIds, maxTurns: number): Promise<Reply | undefined> {
    const calls = this.#take(tokens);
    if (calls.length === 0 || this.turns.length >= maxTurns) return undefined;
    const made: MadeCall[] = [];
    // One after the other: a call may depend on what the one before it did.
    for (const [i, call] of calls.entries()) made.push(await this.#make(call, i));
    this.calls.push(...made);
    const results = made.map(({ result }) => result.text);
    const ids = this.#speech.results(results);
    this.#start += ids.length;
    return { ids, messages: this.#speech.messages(this.turns.at(-1) ?? '', calls, results) };
  }

  /** The finished conversation. A sample that was cut has a turn, or part of a reply, that nobody took yet. */
  finish(sample: Sample): Conversation {
    if (this.#start < sample.tokens.length) this.#take(sample.tokens);
    this.#session.close();
    const { turns, calls } = this;
    const cut = sample.finish === 'length';
    const text = turns.join('');
    const open = this.#speech.calls(turns.at(-1) ?? '', this.#tools).length > 0;
    return {
      ...sample,
      turns,
      calls,
      response: {
        text,
        calls: callsAnywhere(turns, { format: this.#speech.format, tools: this.#tools }),
        ended: !cut,
      },
      end: cut ? 'length' : open ? 'turns' : 'answer',
    };
  }
}

/** Draws conversations about tasks, `n_samples_per_prompt` each, in the tasks' order. */
export async function converse(
  tasks: readonly ConversationTask[],
  { sampler, speech, host }: Voice,
  { max_turns: maxTurns, onFailure, ...options }: ConverseOptions,
): Promise<Conversation[][]> {
  const talks = new Map<string, Talk>();
  const talkOf = (prompt: number, sample: number): Talk => {
    const key = `${prompt}.${sample}`;
    const talk = talks.get(key) ?? new Talk(host.open(tasks[prompt]?.setting ?? {}), speech, host.tools);
    talks.set(key, talk);
    return talk;
  };
  const drawn = await sampleAll(
    sampler,
    tasks,
    {
      ...options,
      reply: ({ prompt, sample, tokens }: Stopped) => talkOf(prompt, sample).reply(tokens, maxTurns),
    },
    onFailure,
  );
  return drawn.map((samples, prompt) => samples.map((one, sample) => talkOf(prompt, sample).finish(one)));
}
