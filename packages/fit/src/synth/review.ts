/** Review of cases by a person, one by one: kept, edited or dropped; what was seen is not shown again, and nothing is lost. */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../../../src/base/errors.ts';
import { readText } from '../../../../src/base/files.ts';
import type { Tool, ToolCall } from '../../../../src/chat/messages.ts';
import { JsonSchema } from '../../../../src/json/schema.ts';
import { type Case, type CaseKind, type Split } from '../types.ts';
import { type Cases, readCases, writeCases } from './store.ts';
import { asObject } from './kinds.ts';

export interface ReviewOptions {
  readonly split: Split;
  readonly kind?: CaseKind;
  /** Way in which a case came about. */
  readonly made?: string;
  readonly tool?: string;
}

/** Somebody at a terminal. */
export interface Reviewer {
  show(text: string): void;
  /** Answer to a question; undefined at the end of the input. */
  ask(question: string): Promise<string | undefined>;
}

export interface Reviewed {
  readonly seen: number;
  readonly edited: number;
  readonly dropped: number;
  /** Cases that are yet to be seen. */
  readonly left: number;
}

const HELP = '[Enter] keep, e edit the request, c edit the calls, r edit the reply, d drop, q quit';

const keyOf = ({ request, calls, reply }: Case): string => JSON.stringify([request, calls, reply]);

function seenKeys(path: string): Set<string> {
  if (!existsSync(path)) return new Set();
  return new Set(
    readText(path)
      .split('\n')
      .filter((line) => line !== ''),
  );
}

/** Reads calls that somebody has typed; a text says what is wrong with them. */
function readCalls(text: string, tools: readonly Tool[]): readonly ToolCall[] | string {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (thrown) {
    return `That is no JSON (${errorText(thrown)}); write a list such as [{"name": "f", "arguments": {}}].`;
  }
  if (!Array.isArray(read)) return 'Calls are a list, such as [{"name": "f", "arguments": {}}].';
  const calls = (read as unknown[]).map((one) => {
    const { name, arguments: args } = asObject(one);
    return { name: typeof name === 'string' ? name : '', arguments: asObject(args) };
  });
  for (const { name, arguments: args } of calls) {
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined)
      return `There is no function ${name}; there are ${tools.map((one) => one.name).join(', ')}.`;
    const fault = new JsonSchema(tool.parameters).firstFault(args);
    if (fault !== undefined) return `${name}: ${fault.path.join('.')} ${fault.message}`;
  }
  return calls;
}

/** Shows cases to a reviewer until there are no more, or they quit. */
export async function review(
  folder: string,
  tools: readonly Tool[],
  { split, kind, made, tool }: ReviewOptions,
  reviewer: Reviewer,
): Promise<Reviewed> {
  const cases = readCases(folder);
  const seenPath = join(folder, 'cases', 'reviewed.jsonl');
  const droppedPath = join(folder, 'cases', 'dropped.jsonl');
  const seen = seenKeys(seenPath);
  const list: (Case | undefined)[] = [...cases[split]];
  const save = (): void => {
    const next: Cases = { ...cases, [split]: list.filter((one) => one !== undefined) };
    writeCases(folder, next);
  };
  const open = [...list.entries()].filter(
    ([, one]) =>
      one !== undefined &&
      !seen.has(keyOf(one)) &&
      (kind === undefined || one.kind === kind) &&
      (made === undefined || one.made === made) &&
      (tool === undefined || one.calls.some(({ name }) => name === tool)),
  );
  const counts = { seen: 0, edited: 0, dropped: 0 };
  const result = (): Reviewed => ({ ...counts, left: open.length - counts.seen });
  for (const [index, first] of open) {
    let one = first;
    for (let isDone = false; !isDone && one !== undefined;) {
      const answer: string = one.calls.length > 0 ? JSON.stringify(one.calls) : `"${one.reply}"`;
      reviewer.show(
        `\n${counts.seen + 1}/${open.length}  ${one.kind}, ${one.made}\n  ${one.request}\n  ${answer}\n`,
      );
      const command = (await reviewer.ask(`${HELP}: `))?.trim().toLowerCase();
      const edited: Partial<Case> | undefined = await edit(command, tools, reviewer);
      if (command === undefined || command === 'q') return result();
      if (edited !== undefined) {
        one = { ...one, ...edited, made: 'edited' };
        list[index] = one;
        counts.edited++;
        save();
      } else if (command === 'd') {
        appendFileSync(droppedPath, `${JSON.stringify({ ...one, split })}\n`);
        list[index] = undefined;
        counts.dropped++;
        save();
        isDone = true;
      } else if (command === '') {
        appendFileSync(seenPath, `${keyOf(one)}\n`);
        isDone = true;
      }
    }
    counts.seen++;
  }
  return result();
}

/** Part of a case that a command changes; undefined where it changes none. */
async function edit(
  command: string | undefined,
  tools: readonly Tool[],
  reviewer: Reviewer,
): Promise<Partial<Case> | undefined> {
  const typed = async (question: string): Promise<string | undefined> => {
    const text = (await reviewer.ask(question))?.trim();
    return text === '' ? undefined : text;
  };
  if (command === 'e') {
    const request = await typed('request: ');
    return request === undefined ? undefined : { request };
  }
  if (command === 'r') {
    const reply = await typed('reply: ');
    return reply === undefined ? undefined : { reply, calls: [] };
  }
  if (command !== 'c') return undefined;
  const text = await typed('calls as JSON: ');
  const calls = text === undefined ? undefined : readCalls(text, tools);
  if (typeof calls !== 'string') return calls === undefined ? undefined : { calls, reply: '' };
  reviewer.show(`${calls}\n`);
  return undefined;
}
