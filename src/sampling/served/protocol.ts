/** Interface of servers: a request for samples of a prompt, and what is read from the answer. */
import type { ToolFormat } from '../../chat/formats/format.ts';
import type { Prompt, SampleOptions } from '../sampler.ts';
import type { Endpoint } from './endpoint.ts';
import type { Finish, IsEnd } from './finish.ts';
import type { Adjustable } from './parameters.ts';
import type { Reply } from './reply.ts';

export interface Ask {
  readonly prompt: Prompt;
  /** Samples that are wanted; a server may give fewer. */
  readonly samples: number;
  /** Differs from prompt to prompt and from request to request; below 2^31. */
  readonly seed: number | undefined;
  readonly sampling: SampleOptions;
  /** Form in which what comes as messages is written as text: the student's. */
  readonly format: ToolFormat;
  /** Log-probabilities a token. */
  readonly topK: number;
  readonly stopIds: readonly number[];
  readonly isEnd: IsEnd;
  /** The model's name at the server; empty where it needs none. */
  readonly model: string;
}

/** Log-probabilities of the likeliest tokens at one place of an answer, in the server's order, which may repeat an id. */
export class TopEntries {
  readonly ids: Int32Array;
  readonly logprobs: Float32Array;

  constructor(ids: Int32Array, logprobs: Float32Array) {
    this.ids = ids;
    this.logprobs = logprobs;
  }

  static of(entries: readonly (readonly [id: number, logprob: number])[]): TopEntries {
    return new TopEntries(
      Int32Array.from(entries, ([id]) => id),
      Float32Array.from(entries, ([, logprob]) => logprob),
    );
  }
}

export interface TokenFacts {
  readonly logprob: number;
  readonly top: TopEntries;
}

/** An answer as the server gives it: tokens with what it says of each, or text alone. */
export type RawSample =
  | {
      readonly finish: Finish;
      readonly tokens: readonly number[];
      /** One for each token; undefined where the server says nothing. */
      readonly facts: readonly (TokenFacts | undefined)[];
    }
  | { readonly finish: Finish; readonly text: string; readonly length?: number };

export interface Protocol {
  readonly name: string;
  /** Tells whether prompts and answers are token ids, with log-probabilities. */
  readonly distributions: boolean;
  /** Address that "/v1" and the like are appended to, from what the user gave. */
  base(url: string): string;
  path(ask: Ask): string;
  body(ask: Ask): object;
  /** Reads a body, where JSON.parse is slow at it; throws where it would. */
  readonly parse?: (text: string) => unknown;
  /** The samples in their places; undefined where the server gave up on one. Throws a Transient or a BadReply. */
  read(reply: Reply, ask: Ask): (RawSample | undefined)[];
  /** Path of the list of models, of which a request must name one; undefined where it need not. */
  readonly models?: string;
  readonly adjustable?: Adjustable;
  /** Pattern of a refusal that is a cut answer. */
  readonly cut?: RegExp;
  /** The ids that the server's own tokenizer makes of a text; not of servers without log-probabilities. */
  tokenize?(endpoint: Endpoint, text: string, signal: AbortSignal): Promise<readonly number[]>;
  /** Text with a status of 5xx when it cannot send what it drew, and another draw may do. */
  readonly unsendable?: RegExp;
  /** Advice on what to change at the server when its log-probabilities are not those of temperature 1. */
  readonly scaledHint: string;
}
