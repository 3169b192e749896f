/** The words of a fit project: functions, examples of a person, cases that are made of them. */
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import type { Settings } from './settings.ts';

/** A line of a person's examples.jsonl: what is asked for, and the calls that are due or the reply in words. */
export interface Example {
  readonly request: string;
  /** Calls that are due, in their order; empty where the answer is words. */
  readonly calls: readonly ToolCall[];
  /** Answer in words, where nothing is to be called; empty where there are calls. */
  readonly reply: string;
  /** Number of its line in the file, from 1. */
  readonly line: number;
  /** True for a request that `init` made of a description: stiff words, which a person is to replace. */
  readonly isInferred?: true;
}

/**
 * Kinds of what a request asks of a model: one call, several, none because no function fits or because a value is missing, or a
 * call behind odd wording (typos, corrections, negations).
 */
export const CASE_KINDS = ['single', 'several', 'irrelevant', 'missing', 'hard'] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

export const SPLITS = ['train', 'dev', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** One request with its right answer, right by construction. */
export interface Case extends Omit<Example, 'line' | 'isInferred'> {
  readonly id: string;
  readonly kind: CaseKind;
  /** Identity of the wording that it was expanded from: all cases of one wording are in one split. */
  readonly wording: string;
  /** Way in which it came about ("example", "values", "several", "typo", ...), for counts and reports. */
  readonly made: string;
}

/** Something about a project's input that a person should know and that stops nothing. */
export interface Note {
  /** Place: a function's or parameter's path, or a file and line. */
  readonly where: string;
  readonly text: string;
}

/** A project folder as it was read. */
export interface Project {
  readonly folder: string;
  readonly functions: readonly Tool[];
  readonly examples: readonly Example[];
  /** Of fit.yaml, with every default filled in; see settings.ts. */
  readonly settings: Settings;
  /** Things to know about the functions and examples: what a tiny model will not learn, and what to do about it. */
  readonly notes: readonly Note[];
}
