/**
 * A model that answers conversations as they come: a checkpoint or GGUF file, its chat template, and calls that obey their
 * schemas. What a conversation begins with (its tools, the messages before the last one) is computed once for all that share it.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readText } from '../../../src/base/files.ts';
import { identityOf } from '../../../src/base/identity.ts';
import { Lru } from '../../../src/base/lru.ts';
import { Owned } from '../../../src/base/owned.ts';
import { required } from '../../../src/base/errors.ts';
import { PACKAGE_ROOT } from '../../../src/base/package-root.ts';
import { asTokenIds } from '../../../src/base/token-ids.ts';
import { callsOfTurn } from '../../environments/src/turn.ts';
import { afterThink, closesThought, opensThought, shownParts } from '../../../src/chat/generation.ts';
import type { Message, Tool, ToolCall } from '../../../src/chat/messages.ts';
import { ChatTemplate, type Thinking } from '../../../src/chat/template.ts';
import { plainText } from '../../../src/chat/thought.ts';
import { Tokenizer } from '../../../src/chat/tokenizer.ts';
import { type CallRules, checkTools, type ToolChoice } from '../../constrain/src/calls.ts';
import { TokenSymbols } from '../../constrain/src/tokens.ts';
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
import { type Calibration, confidenceOf, isForced } from '../../fit/src/acceptance/confidence.ts';
import { calibrationIn, verbatimIn } from '../../fit/src/acceptance/header.ts';
import type { Verbatim } from '../../constrain/src/calls.ts';
import type { JsonObject } from '../../../src/json/value.ts';
import { Deltas, type Delta } from './deltas.ts';
import { Detokenizer } from './detokenizer.ts';
import { type Conversation, Prompts, type ReadyPrompt } from './prompts.ts';

import { repaired } from './repair.ts';

export type { Conversation } from './prompts.ts';

export interface ServedOptions extends LiveOptions {
  /** Name that clients know it by; the folder's or file's own unless told. */
  readonly name?: string;
  /** `cpu`, `gpu` or the name of a device; `cpu` unless told. */
  readonly device?: string;
  readonly threads?: number;
  readonly thinking?: Thinking;
  /** Functions that it was made for, which a page to try it begins with. */
  readonly tools?: readonly Tool[];
  /** The checkpoint where it is open already; it stays the caller's. */
  readonly opened?: OpenedModel;
  /** File of `savePrefixes`; one that is not there, or that another model or version wrote, counts as empty. */
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
  /** Tells that the schemas forced a call, greedily, on a student of `fit` that would hardly have made it by itself. */
  readonly isForced?: boolean;
  readonly chances?: readonly TokenChance[];
}

/** Lists of tools that are remembered as good. */
const MOST_CHECKED = 64;

const lastUser = (messages: Conversation['messages']): string => {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  return typeof content === 'string' ? content : '';
};

export class ServedModel {
  readonly name: string;
  readonly contextLength: number;
  readonly tools: readonly Tool[];
  readonly #source: string;
  readonly #tokenizer: Tokenizer;
  readonly #template: ChatTemplate;
  readonly #prompts: Prompts;
  readonly #live: LiveGenerator;
  readonly #symbols: TokenSymbols;
  readonly #calibration: Calibration | undefined;
  readonly #verbatim: Verbatim | undefined;
  /** Lists of tools whose schemas can be held. */
  readonly #checked = new Lru<readonly Tool[]>(MOST_CHECKED);
  readonly #owned = new Owned();

  /** Loads a checkpoint folder or a GGUF file; throws a UserError that says what is wrong with it. */
  constructor(path: string, options: ServedOptions = {}) {
    requireCheckpoint(path);
    const source = checkpointAt(path);
    this.#source = source;
    this.name = options.name ?? checkpointName(source);
    this.tools = options.tools ?? [];
    const opened = options.opened ?? this.#owned.opening(() => this.#open(source, options));
    this.#tokenizer = opened.tokenizer;
    this.#template = opened.template;
    this.#calibration = calibrationIn(source);
    this.#verbatim = verbatimIn(source);
    this.#symbols = new TokenSymbols(this.#tokenizer);
    this.#live = new LiveGenerator(opened.device, opened.config, opened.weights, options);
    this.contextLength = opened.config.contextLength;
    this.#prompts = new Prompts(this.#template, this.#tokenizer, this.contextLength);
    if (options.prefixes === undefined) return;
    for (const prefix of readPrefixes(options.prefixes, this.#identity)) this.#live.keep(prefix);
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

  /** Tells whether it knows a forced call from its own. */
  get knowsForced(): boolean {
    return this.#calibration?.forcedBelow !== undefined;
  }

  /** Tells whether it knows how likely its answers are right. */
  get isCalibrated(): boolean {
    return this.#calibration !== undefined;
  }

  prompt({ messages, tools }: Conversation): string {
    return this.#template.prompt({ messages, tools });
  }

  /**
   * Answers a conversation. Throws a UserError for one that leaves no room and for a tool whose schema cannot be held, called
   * or not, and the signal's reason when it fires.
   */
  async ask(conversation: Conversation, options: AskOptions = {}): Promise<Reply> {
    const { messages, tools } = conversation;
    this.check(tools, options);
    const rules: CallRules = {
      tools,
      ...(options.choice === undefined ? {} : { choice: options.choice }),
      ...(options.parallel === undefined ? {} : { parallel: options.parallel }),
      ...(options.response === undefined ? {} : { response: options.response }),
      ...(this.#verbatim === undefined ? {} : { request: lastUser(messages), verbatim: this.#verbatim }),
    };
    return this.#write(this.#prompts.of(conversation), tools, rules, options);
  }

  /** Throws a UserError that names the tool whose schema calls cannot be held to, where they are held. */
  check(tools: readonly Tool[], { constrained = true, choice }: AskOptions): void {
    if (!constrained || choice === 'none') return;
    this.#checked.get(JSON.stringify(tools), () => {
      checkTools(tools);
      return tools;
    });
  }

  /** Goes on with a text as it stands. */
  async complete(prompt: string, options: AskOptions = {}): Promise<Reply> {
    const ids = this.#prompts.tokens(prompt);
    return this.#write({ text: prompt, ids, shared: ids.length - 1 }, [], undefined, options);
  }

  async #write(
    { text: prompt, ids, shared }: ReadyPrompt,
    tools: readonly Tool[],
    rules: CallRules | undefined,
    options: AskOptions,
  ): Promise<Reply> {
    const { format } = this.#template;
    const { stop = [], logprobs, onDelta, signal } = options;
    const isHeld = rules !== undefined && options.constrained !== false;
    const isThinking = opensThought(prompt, format);
    const isSilent = closesThought(prompt, format);
    const constraint = isHeld
      ? this.#symbols.constraint(format, { ...rules, isThinking, isSilent })
      : undefined;
    // An answer that obeys a schema is no call, nor is a text that is gone on with.
    const calls = rules !== undefined && rules.response === undefined;
    const chances: TokenChance[] = [];
    const held = constraint !== undefined;
    const deltas = new Deltas({ prompt, format, tools, stop, calls, held, raw: rules === undefined });
    const textOf = (tokens: ArrayLike<number>): string =>
      plainText(asTokenIds(Array.from(tokens)), this.#tokenizer, format);
    const written = new Detokenizer(textOf);
    let logprob = 0;
    const onToken = (told: LiveToken): boolean => {
      logprob += told.logprob;
      if (logprobs !== undefined) chances.push(this.#chance(told));
      if (stop.length === 0 && onDelta === undefined) return false;
      for (const delta of deltas.read(written.add(told.token))) onDelta?.(delta);
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
    const text = deltas.cut(textOf(answer.tokens));
    for (const delta of deltas.end(text)) onDelta?.(delta);
    const made = calls ? callsOfTurn(text, { format, prompt, tools }) : [];
    const { calls: read, repairs } = repaired(made, tools);
    const confidence =
      this.#calibration === undefined ? undefined : confidenceOf(this.#calibration, { logprob, calls: read });
    return {
      content: (calls ? format.outsideOfCalls(afterThink(text, format)) : afterThink(text, format)).trim(),
      reasoning: required(shownParts(text, format)[0], 'a thought').trim(),
      calls: read,
      faults: made.flatMap((call) => (call.kind === 'broken' ? [call.message] : [])),
      repairs,
      text,
      finish: answer.finish === 'length' ? 'length' : read.length > 0 ? 'tool_calls' : 'stop',
      promptTokens: ids.length,
      cachedTokens: answer.cached,
      tokens: answer.tokens.length,
      logprob,
      ...(confidence === undefined ? {} : { confidence }),
      isForced:
        isHeld &&
        temperature === 0 &&
        isForced(this.#calibration ?? {}, { logprob, calls: read }, this.#verbatim ?? {}),
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

  /** Computes what conversations with these tools and system messages begin with, and keeps it; returns its number of tokens. */
  async pin({ messages, tools }: Conversation): Promise<number> {
    const asked: Message = { role: 'user', content: 'A' };
    const { ids, shared } = this.#prompts.of({ messages: [...messages, asked], tools });
    if (shared > 0) await this.#live.pin(asTokenIds(ids.slice(0, shared)));
    return shared;
  }

  /** Writes what was pinned, and what was read of such a file, at once or not at all. */
  savePrefixes(file: string): void {
    writePrefixes(file, this.#identity, this.#live.kept);
  }

  /** Identity of the weights, and of what computes with them: the manifest has this program's version and its engine's. */
  get #identity(): string {
    return identityOf([checkpointContents(this.#source), readText(join(PACKAGE_ROOT, 'package.json'))]);
  }

  /** Ends after the tokens at hand; what is not answered is rejected. */
  async close(): Promise<void> {
    await this.#live.close();
    this.#owned[Symbol.dispose]();
  }
}
