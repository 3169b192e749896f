/**
 * A student in a browser. llama.cpp's WebAssembly (wllama) computes, and what it may write is decided here, token by token: the
 * likeliest one that the constraint of the functions allows, as the engine of tinystar does.
 */
import { InternalError, UserError } from '../../../../src/base/errors.ts';
import { asTokenIds } from '../../../../src/base/token-ids.ts';
import type { ToolFormat } from '../../../../src/chat/formats/format.ts';
import { formats } from '../../../../src/chat/formats/index.ts';
import { afterThink } from '../../../../src/chat/generation.ts';
import type { ToolCall } from '../../../../src/chat/messages.ts';
import { plainText } from '../../../../src/chat/thought.ts';
import { TokenSymbols } from '../../../constrain/src/tokens.ts';
import { callsOfTurn } from '../../../environments/src/turn.ts';
import type { Constraint } from '../../../../src/model/generate/sampler.ts';
import type { StudentFacts } from './facts.ts';
import { WebVocabulary } from './vocabulary.ts';

/** The parts of wllama 2 that are used; one sequence of tokens is kept between calls. */
interface Wllama {
  loadModel(files: readonly Blob[], options: { n_ctx: number; n_threads: number }): Promise<void>;
  tokenize(text: string, special: boolean): Promise<number[]>;
  decode(tokens: readonly number[], options: object): Promise<unknown>;
  /** Likeliest tokens first; all of them for -1. */
  getLogits(most: number): Promise<readonly { readonly token: number }[]>;
  /** Keeps the first tokens alone, for a number of -1 to discard. */
  kvRemove(keep: number, discard: number): Promise<void>;
  kvClear(): Promise<void>;
  exit(): Promise<void>;
}
interface WllamaModule {
  readonly Wllama: new (
    paths: Readonly<Record<string, string>>,
    options: { readonly suppressNativeLog: boolean },
  ) => Wllama;
}

export interface LoadOptions {
  /** Threads; more than one needs a page that is isolated from other origins (COOP and COEP headers). Default: 1. */
  readonly threads?: number;
}

export interface CallOptions {
  /** Tokens of an answer at most; 512 unless told. */
  readonly maxTokens?: number;
}

export interface WebAnswer {
  readonly calls: readonly ToolCall[];
  /** Words beside the calls. */
  readonly content: string;
  /** Faults of calls that cannot be read, one sentence each. */
  readonly faults: readonly string[];
  /** All that was written, thoughts and tags included. */
  readonly text: string;
  /** `length`: it was cut. */
  readonly finish: 'stop' | 'length';
  /** Tokens of the prompt, those of it that were computed before, and of the answer. */
  readonly promptTokens: number;
  readonly keptTokens: number;
  readonly tokens: number;
  readonly ms: number;
}

/** Likeliest tokens that are looked at before all of them are. */
const FEW = 16;

export class Student {
  readonly facts: StudentFacts;
  readonly #engine: Wllama;
  readonly #format: ToolFormat;
  readonly #vocabulary: WebVocabulary;
  readonly #symbols: TokenSymbols;
  readonly #stop: ReadonlySet<number>;
  /** Tokens that the engine has computed; undefined where it failed in the middle of some. */
  #kept: readonly number[] | undefined = [];
  #last: Promise<unknown> = Promise.resolve();

  /** Use `load`. */
  constructor(facts: StudentFacts, engine: Wllama) {
    this.facts = facts;
    this.#engine = engine;
    this.#format = { ...formats[facts.format.name], ...facts.format };
    this.#vocabulary = new WebVocabulary(facts.vocabulary);
    this.#symbols = new TokenSymbols(this.#vocabulary);
    this.#stop = new Set(facts.vocabulary.stop);
  }

  /** Computes what all prompts begin with, so that the first request waits no longer than others. */
  async warm(): Promise<void> {
    await this.#read(this.facts.prompt.head);
  }

  /** Answers a request, after those before it. Throws a UserError for one that leaves no room for an answer. */
  call(request: string, { maxTokens = 512 }: CallOptions = {}): Promise<WebAnswer> {
    const answer = this.#last.then(() => this.#answer(request, maxTokens));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #answer(request: string, maxTokens: number): Promise<WebAnswer> {
    const began = performance.now();
    const { prompt: around, tools, verbatim, context } = this.facts;
    const prompt = around.before + request + around.after;
    const part = await this.#engine.tokenize(around.start + request + around.end, true);
    const ids = [...around.head, ...part, ...around.tail];
    if (ids.length >= context)
      throw new UserError(
        'PROMPT_TOO_LONG',
        `The prompt has ${ids.length} tokens, and there is room for ${context}; ask in fewer words.`,
      );
    const keptTokens = await this.#read(ids);
    let allowed = this.#symbols.constraint(this.#format, { tools, request, verbatim });
    let finish: WebAnswer['finish'] = 'length';
    const written: number[] = [];
    while (written.length < maxTokens && ids.length + written.length < context) {
      if (written.length > 0) await this.#read([...ids, ...written]);
      const { token, next } = await this.#choose(allowed);
      allowed = next;
      if (this.#stop.has(token)) {
        finish = 'stop';
        break;
      }
      written.push(token);
    }
    const text = plainText(asTokenIds(written), this.#vocabulary, this.#format);
    const made = callsOfTurn(text, { format: this.#format, prompt, tools });
    return {
      calls: made.flatMap((one) => (one.kind === 'call' ? [{ name: one.name, arguments: one.given }] : [])),
      content: this.#format.outsideOfCalls(afterThink(text, this.#format)).trim(),
      faults: made.flatMap((one) => (one.kind === 'broken' ? [one.message] : [])),
      text,
      finish,
      promptTokens: ids.length,
      keptTokens,
      tokens: written.length,
      ms: performance.now() - began,
    };
  }

  /** The likeliest token that is allowed, and what is allowed behind it. */
  async #choose(allowed: Constraint): Promise<{ readonly token: number; readonly next: Constraint }> {
    for (const most of [FEW, -1])
      for (const { token } of await this.#engine.getLogits(most)) {
        const next = allowed.after(token);
        if (next !== undefined) return { token, next };
      }
    throw new InternalError('a constraint allows no token');
  }

  /** Brings the engine to the end of some tokens; returns how many of them it had computed. */
  async #read(ids: readonly number[]): Promise<number> {
    const before = this.#kept;
    let same = 0;
    // The last one is computed anew, as its logits are asked for.
    while (same < ids.length - 1 && ids[same] === before?.[same]) same += 1;
    this.#kept = undefined;
    if (before === undefined || same < before.length)
      try {
        await this.#engine.kvRemove(same, -1);
      } catch {
        // Models with windows or states forget all of it, or nothing.
        await this.#engine.kvClear();
        same = 0;
      }
    await this.#engine.decode(ids.slice(same), {});
    this.#kept = ids;
    return same;
  }

  /** Ends the engine; the student is of no use afterwards. */
  close(): Promise<void> {
    return this.#engine.exit();
  }
}

async function fetched(url: URL): Promise<Response> {
  const response = await fetch(url);
  if (response.ok) return response;
  throw new UserError(
    'FETCH',
    `${url.href} cannot be fetched (${response.status}); serve the whole folder that export --web wrote.`,
  );
}

/** Loads the student whose files lie in a folder. */
export async function loadFrom(folder: URL, { threads = 1 }: LoadOptions = {}): Promise<Student> {
  const at = (name: string): URL => new URL(name, folder);
  const [facts, weights, { Wllama }] = await Promise.all([
    fetched(at('student.json')).then((response) => response.json() as Promise<StudentFacts>),
    fetched(at('student.gguf')).then((response) => response.blob()),
    import(at('wllama/index.js').href) as Promise<WllamaModule>,
  ]);
  const paths = ['single-thread/wllama.wasm', 'multi-thread/wllama.wasm'].map(
    (name) => [name, at(`wllama/${name}`).href] as const,
  );
  const engine = new Wllama(Object.fromEntries(paths), { suppressNativeLog: true });
  await engine.loadModel([weights], { n_ctx: facts.context, n_threads: threads });
  const student = new Student(facts, engine);
  await student.warm();
  return student;
}
