/** Lists of dialogues, which may be longer than memory. */
import type { Dialogue } from '../chat/messages.ts';

/** A list whose items may be made when they are asked for, as there may be more than fit into memory. Arrays are such lists. */
export interface Series<T> extends Iterable<T> {
  readonly length: number;
  readonly at: (index: number) => T | undefined;
  slice(start?: number, end?: number): Series<T>;
}

export interface Dialogues<T extends Dialogue> extends Series<T> {
  /** The same value for dialogues with one tool set; without it, that is the list of their tools itself. */
  readonly toolsAt?: (index: number) => unknown;
  /** Tells whether what was made of them should be made again rather than kept. */
  readonly isLarge?: boolean;
  slice(start?: number, end?: number): Dialogues<T>;
}

type Source<T extends Dialogue> = Required<Pick<Dialogues<T>, 'at' | 'toolsAt' | 'isLarge'>>;

/** Dialogues that are made, or read, when they are asked for. */
export function dialogueList<T extends Dialogue>(
  length: number,
  { at, toolsAt, isLarge }: Source<T>,
): Required<Dialogues<T>> {
  return {
    length,
    at: (index) => (index >= 0 && index < length ? at(index) : undefined),
    toolsAt,
    isLarge,
    slice: (start = 0, end = length) =>
      dialogueList(Math.max(0, Math.min(end, length) - start), {
        at: (index) => at(start + index),
        toolsAt: (index) => toolsAt(start + index),
        isLarge,
      }),
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) {
        const one = at(i);
        if (one !== undefined) yield one;
      }
    },
  };
}

/** Neighbours that share one tool set. */
export interface ToolGroup {
  readonly start: number;
  readonly count: number;
}

/** Runs of neighbours that share one tool set, at most `limit` long: a shared prompt is computed once. */
export function groupByTools(dialogues: Dialogues<Dialogue>, limit: number): ToolGroup[] {
  const toolsAt = (index: number): unknown =>
    dialogues.toolsAt === undefined ? dialogues.at(index)?.tools : dialogues.toolsAt(index);
  const groups: ToolGroup[] = [];
  let [start, tools] = [0, toolsAt(0)];
  for (let i = 1; i <= dialogues.length; i++) {
    const own = i < dialogues.length ? toolsAt(i) : undefined;
    if (i < dialogues.length && own === tools && i - start < limit) continue;
    groups.push({ start, count: i - start });
    [start, tools] = [i, own];
  }
  return groups;
}
