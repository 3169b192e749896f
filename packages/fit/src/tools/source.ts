/** Words of the readers of functions: what they are given, and what they give. */
import type { Example } from '../types.ts';
import type { ReadFunctions } from './functions.ts';

/** A request with its answer, wherever it was found. */
export type Answered = Omit<Example, 'line' | 'isInferred'>;

export interface SourceOptions {
  /** Is told what is being waited for. */
  readonly tell?: (text: string) => void;
  /** Headers of requests to an address, such as Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of the functions that are wanted; all of them without it. */
  readonly only?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Functions of a source, with the requests that it has for them. */
export interface FromSource extends ReadFunctions {
  readonly examples: readonly Answered[];
}
