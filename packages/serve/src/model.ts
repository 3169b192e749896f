/**
 * A model that answers conversations as they come: a checkpoint or GGUF file, its chat template, and calls that obey their
 * schemas. What a conversation begins with (its tools, the messages before the last one) is computed once for all that share it.
 */
import { availableParallelism } from 'node:os';
import { identityOf, programIdentity } from '../../../src/base/identity.ts';
import { Lru } from '../../../src/base/lru.ts';
import { Owned } from '../../../src/base/owned.ts';
import { required } from '../../../src/base/errors.ts';
import { asTokenIds, type TokenIds } from '../../../src/base/token-ids.ts';
import { callsOfTurn } from '../../../src/environment/turn.ts';
import { afterThink, shownParts } from '../../../src/chat/generation.ts';
import type { ExactMessage, Message, Tool, ToolCall } from '../../../src/chat/messages.ts';
import { ChatTemplate, type Thinking } from '../../../src/chat/template.ts';
import { plainText } from '../../../src/chat/thought.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import type { CallRules, ToolChoice } from '../../../src/constrain/calls.ts';
import { TokenSymbols } from '../../../src/constrain/tokens.ts';
import { Device } from '../../../src/ggml/device.ts';
import { loadModel } from '../../../src/model/checkpoint/checkpoint.ts';
import {
  checkpointAt,
  checkpointContents,
  checkpointName,
  requireCheckpoint,
} from '../../../src/model/checkpoint/checkpoint-path.ts';
import { LiveGenerator, type LiveOptions, type LiveToken } from '../../../src/model/generate/live.ts';
import { readPrefixes, writePrefixes } from '../../../src/model/generate/prefixes.ts';
import type { LocalParts } from '../../../src/sampling/local.ts';
import { type Calibration, confidenceOf } from '../../fit/src/acceptance/confidence.ts';
import { calibrationIn, verbatimIn } from '../../fit/src/acceptance/header.ts';
import type { Verbatim } from '../../../src/constrain/calls.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { Deltas, type Delta } from './deltas.ts';
import { repaired } from './repair.ts';

export interface ServedOptions extends LiveOptions {
  /** Name that clients know it by; the folder's or file's own unless told. */
  readonly name?: string;
  /** `cpu`, `gpu` or the name of a device; `cpu` unless told. */
  readonly device?: string;
  readonly threads?: number;
  readonly thinking?: Thinking;
  /** The checkpoint where it is open already; it stays the caller's. */
  readonly opened?: OpenedModel;
  /** File of `savePrefixes`; one that is not there, or that another model or program wrote, counts as empty. */
  readonly prefixes?: string;
}

/** A checkpoint on a device. */
export type OpenedModel = LocalParts & { readonly device: Device };

export interface AskOptions {
  /** 0, which is greedy, unless told. */
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly seed?: number;
  /** Number among several answers to one conversation. */
  readonly sample?: number;
  /** Tokens of an answer at most; 512 unless told. */
  readonly max_tokens?: number;
  readonly choice?: ToolChoice;
  /** Tells whether there may be several calls. */
  readonly parallel?: boolean;
  /** Schema that the whole answer obeys, in place of calls. */
  readonly response?: { readonly schema: JsonObject };
  /** Tells whether calls obey the tools' schemas; they do unless told. */
  readonly constrained?: boolean;
  /** Texts that end an answer and are no part of it. */
  readonly stop?: readonly string[];
  /** Likeliest tokens that are told of each position, 0 for the drawn one alone; undefined for none. */
  readonly logprobs?: number;
  readonly signal?: AbortSignal;
  /** Called with what is new. */
  readonly onDelta?: (delta: Delta) => void;
}

/** A token with its probability, as clients read it. */
export interface TokenChance {
  readonly text: string;
  readonly bytes: readonly number[];
  readonly logprob: number;
  readonly top: readonly {
    readonly text: string;
    readonly bytes: readonly number[];
    readonly logprob: number;
  }[];
}

export interface Reply {
  readonly content: string;
  readonly reasoning: string;
  readonly calls: readonly ToolCall[];
  /** Faults of calls that cannot be made, one sentence each. */
  readonly faults: readonly string[];
  /** Values of arguments that were put right by their schemas, one sentence each. */
  readonly repairs: readonly string[];
  /** All that was written, thoughts and tags included. */
  readonly text: string;
  readonly finish: 'stop' | 'length' | 'tool_calls';
  readonly promptTokens: number;
  /** Tokens of the prompt that were in a cache. */
  readonly cachedTokens: number;
  readonly tokens: number;
  /** Of the whole answer. */
  readonly logprob: number;
  /** Calibrated probability that the answer is right, of students of `fit`. */
  readonly confidence?: number;
  readonly chances?: readonly TokenChance[];
}

/** A conversation that is to be answered; a whole prompt is a text. */
export interface Conversation {
  readonly messages: readonly (Message | ExactMessage)[];
  readonly tools: readonly Tool[];
}

const lastUser = (messages: Conversation['messages']): string => {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  return typeof content === 'string' ? content : '';
};

/** Beginnings of prompts that are remembered. */
const MOST_BEGINNINGS = 64;

export class ServedModel {
  readonly name: string;
  readonly contextLength: number;
  readonly #source: string;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #live: LiveGenerator;
  readonly #symbols: TokenSymbols;
  readonly #calibration: Calibration | undefined;
  readonly #verbatim: Verbatim | undefined;
  readonly #owned = new Owned();
  /** Tokens that conversations with the same tools and earlier messages begin with. */
  readonly #beginnings = new Lru<{ readonly length: number }>(MOST_BEGINNINGS);

  /** Loads a checkpoint folder or a GGUF file; throws a UserError that says what is wrong with it. */
  constructor(path: string, options: ServedOptions = {}) {
    requireCheckpoint(path);
    const source = checkpointAt(path);
    this.#source = source;
    this.name = options.name ?? checkpointName(source);
    const opened = options.opened ?? this.#owned.opening(() => this.#open(source, options));
    this.#tokenizer = opened.tokenizer;
    this.#template = opened.template;
    this.#calibration = calibrationIn(source);
    this.#verbatim = verbatimIn(source);
    this.#symbols = new TokenSymbols(this.#tokenizer);
    this.#live = new LiveGenerator(opened.device, opened.config, opened.weights, options);
    this.contextLength = opened.config.contextLength;
    if (options.prefixes !== undefined) this.#loadPrefixes(options.prefixes);
  }

  #open(source: string, options: ServedOptions): OpenedModel {
    const { device: name = 'cpu', threads = availableParallelism(), thinking } = options;
    const tokenizer = Tokenizer.load(source);
    const template = ChatTemplate.of(tokenizer).fixed(thinking);
    const device = this.#owned.add(Device.open(name, threads));
    const { config, parameters } = loadModel(device, source, { trainable: false });
    const weights = this.#owned.add(parameters);
    return { name: this.name, device, config, weights, tokenizer, template };
  }

  /** Answers that are being written or waited for. */
  get load(): number {
    return this.#live.load;
  }

  /** Bytes of caches and intermediates. */
  get bytes(): number {
    return this.#live.bytes;
  }

  /** Tells whether it knows how likely its answers are right. */
  get isCalibrated(): boolean {
    return this.#calibration !== undefined;
  }

  prompt({ messages, tools }: Conversation): string {
    return this.#template.prompt({ messages, tools });
  }

  /** Answers a conversation. Throws a UserError for one that leaves no room, and the signal's reason when it fires. */
  async ask(conversation: Conversation, options: AskOptions = {}): Promise<Reply> {
    const { messages, tools } = conversation;
    const prompt = this.prompt(conversation);
    const ids = this.#tokenizer.encode(prompt);
    const rules: CallRules = {
      tools,
      ...(options.choice === undefined ? {} : { choice: options.choice }),
      ...(options.parallel === undefined ? {} : { parallel: options.parallel }),
      ...(options.response === undefined ? {} : { response: options.response }),
      ...(this.#verbatim === undefined ? {} : { request: lastUser(messages), verbatim: this.#verbatim }),
    };
    return this.#write(prompt, ids, this.#beginning(conversation, ids), tools, rules, options);
  }

  /** Goes on with a text as it stands. */
  async complete(prompt: string, options: AskOptions = {}): Promise<Reply> {
    const ids = this.#tokenizer.encode(prompt);
    return this.#write(prompt, ids, ids.length - 1, [], undefined, options);
  }

  async #write(
    prompt: string,
    ids: TokenIds,
    shared: number,
    tools: readonly Tool[],
    rules: CallRules | undefined,
    options: AskOptions,
  ): Promise<Reply> {
    const { format } = this.#template;
    const { stop = [], logprobs, onDelta, signal } = options;
    const isHeld = rules !== undefined && options.constrained !== false;
    const constraint = isHeld ? this.#symbols.constraint(format, rules) : undefined;
    const tokens: number[] = [];
    const chances: TokenChance[] = [];
    const deltas = new Deltas(prompt, format, tools, stop);
    let [text, logprob] = ['', 0];
    const onToken = (told: LiveToken): boolean => {
      tokens.push(told.token);
      logprob += told.logprob;
      if (logprobs !== undefined) chances.push(this.#chance(told));
      if (stop.length === 0 && onDelta === undefined) return false;
      text = plainText(asTokenIds(tokens), this.#tokenizer, format);
      for (const delta of deltas.read(text)) onDelta?.(delta);
      return deltas.isStopped;
    };
    const { temperature = 0, top_p = 1, top_k = -1, seed = 0, sample = 0, max_tokens = 512 } = options;
    const answer = await this.#live.answer({
      prompt: ids,
      shared,
      temperature,
      top_p,
      top_k,
      seed,
      sample,
      generate_max_len: max_tokens,
      stopIds: this.#tokenizer.stopIds,
      top: logprobs ?? 0,
      onToken,
      ...(constraint === undefined ? {} : { constraint }),
      ...(signal === undefined ? {} : { signal }),
    });
    text = deltas.cut(plainText(answer.tokens, this.#tokenizer, format));
    for (const delta of deltas.end(text)) onDelta?.(delta);
    const made = callsOfTurn(text, { format, prompt, tools });
    const read = made.flatMap((call) =>
      call.kind === 'call' ? [{ name: call.name, arguments: call.given }] : [],
    );
    const { calls, repairs } = repaired(read, tools);
    const confidence =
      this.#calibration === undefined ? undefined : confidenceOf(this.#calibration, { logprob, calls });
    return {
      content: format.outsideOfCalls(afterThink(text, format)).trim(),
      reasoning: required(shownParts(text, format)[0], 'a thought').trim(),
      calls,
      faults: made.flatMap((call) => (call.kind === 'broken' ? [call.message] : [])),
      repairs,
      text,
      finish: answer.finish === 'length' ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
      promptTokens: ids.length,
      cachedTokens: answer.cached,
      tokens: answer.tokens.length,
      logprob,
      ...(confidence === undefined ? {} : { confidence }),
      ...(logprobs === undefined ? {} : { chances }),
    };
  }

  #chance({ token, logprob, top }: LiveToken): TokenChance {
    const named = (id: number): { text: string; bytes: number[] } => ({
      text: this.#tokenizer.decode([id]),
      bytes: [...this.#tokenizer.tokenBytes(id)],
    });
    return {
      ...named(token),
      logprob,
      top: top.map((one) => ({ ...named(one.token), logprob: one.logprob })),
    };
  }

  /** Computes what conversations with these tools and messages begin with, and keeps it; returns its number of tokens. */
  async pin({ messages, tools }: Conversation): Promise<number> {
    const asked: Conversation = { messages: [...messages, { role: 'user', content: 'A' }], tools };
    const ids = this.#tokenizer.encode(this.prompt(asked));
    const shared = this.#beginning(asked, ids);
    if (shared > 0) await this.#live.pin(asTokenIds(ids.slice(0, shared)));
    return shared;
  }

  /** Writes what was pinned, and what was read of such a file, at once or not at all. */
  savePrefixes(file: string): void {
    writePrefixes(file, this.#identity, this.#live.kept);
  }

  #loadPrefixes(file: string): void {
    for (const prefix of readPrefixes(file, this.#identity)) this.#live.keep(prefix);
  }

  /** Identity of the weights, and of the program that computes with them. */
  get #identity(): string {
    return identityOf([checkpointContents(this.#source), programIdentity()]);
  }

  /** Number of tokens that the prompt of a conversation has in common with those that ask for something else. */
  #beginning({ messages, tools }: Conversation, ids: TokenIds): number {
    // Results of calls go back to one conversation: others share its tools and instructions with it.
    const isAsked = messages.at(-1)?.role === 'user';
    const asked = isAsked ? messages.length - 1 : messages.findIndex(({ role }) => role !== 'system');
    const before = messages.slice(0, Math.max(0, asked));
    const key = JSON.stringify([before, tools]);
    const { length } = this.#beginnings.get(key, () => {
      const [one = ids, another = ids] = ['A', 'z'].map((content) =>
        this.#tokenizer.encode(
          this.#template.prompt({ messages: [...before, { role: 'user', content }], tools }),
        ),
      );
      const differs = one.findIndex((id, i) => id !== another[i]);
      return { length: Math.max(0, differs) };
    });
    return Math.min(length, ids.length - 1);
  }

  /** Ends after the tokens at hand; what is not answered is rejected. */
  async close(): Promise<void> {
    await this.#live.close();
    this.#owned[Symbol.dispose]();
  }
}
