/**
 * Who answers a benchmark: a checkpoint or a GGUF file on this machine, or a server that speaks OpenAI's API. All are asked for many answers
 * at once and hand each over as soon as it is there, so that a benchmark can store what it has.
 */
import type { Message } from '../chat/messages.ts';
import type { Device } from '../ggml/device.ts';

export interface AskOptions {
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** 1 is off. */
  readonly topP?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** false closes the thought at once, where the chat template or the server can do that; for chats only. */
  readonly enableThinking?: boolean;
  /** Chats of a local model end with "<think>", as STAR's own code trains; what is answered begins with it then. */
  readonly openThought?: boolean;
}

export interface Answer {
  /** Which of the questions it answers. */
  readonly index: number;
  /** What the model wrote, thoughts included and special tokens left out. */
  readonly text: string;
  /** Tokens of the answer; 0 where the model's positions leave no room for one. */
  readonly tokens: number;
  /** `full`: the prompt alone fills the model's positions, so nothing was asked. */
  readonly end: 'stop' | 'length' | 'full';
}

export interface AnsweringModel extends Disposable {
  /** What tables call it. */
  readonly name: string;
  /** Changes when other answers are to be expected: other weights, another model on the server. */
  readonly identity: string;
  /** What computes it, where that is one of this program's devices. */
  readonly device?: Device;
  /** Answers conversations, through the model's own chat template, without tools. */
  chat(
    conversations: readonly (readonly Message[])[],
    options: AskOptions,
  ): AsyncGenerator<Answer, void, undefined>;
  /** Continues texts that are whole prompts already, special tokens included. */
  complete(prompts: readonly string[], options: AskOptions): AsyncGenerator<Answer, void, undefined>;
}

export interface ModelOptions {
  /** Device of a local model. */
  readonly device: string;
  /** Threads of a GGUF file; all that the machine has without it. */
  readonly threads?: number;
  /** Requests that a server is sent at once. */
  readonly parallel: number;
  /** The model's name on the server; without it, the first one that the server lists. */
  readonly served?: string;
  /** Sent to the server as a bearer token. */
  readonly apiKey?: string;
  /** Tells the user that a server is waited for. */
  readonly tell?: (text: string) => void;
}
