/** Example requests of a person: `{request, calls: [{name, arguments}]}`, `{request, reply}` or `{request, calls: []}`, a line each. */
import { linesOf } from '../../../src/base/lines.ts';
import { shortened } from '../../../src/base/errors.ts';
import type { Tool, ToolCall } from '../../../src/chat/messages.ts';
import { callsOf } from '../../../src/data/calls.ts';
import { Rejection } from '../../../src/data/record.ts';
import { tryParseJson } from '../../../src/json/parse.ts';
import { portableFault } from '../../../src/json/portable.ts';
import { isDict, toJsonObject, typeName, type PyDict } from '../../../src/json/python.ts';
import { CallCheck } from './calls.ts';
import { throwFaults } from './faults.ts';
import type { Example, Note } from './types.ts';

/** Mark of lines that "tinystar init" makes of descriptions, under "made". */
export const INFERRED = 'description';
/** Characters of a request that a tiny model still reads beside its functions. */
const LONGEST_REQUEST = 4000;
/** Lines up to which examples that contradict each other are a person's slip, and a fault; in larger data they are usual. */
const BY_HAND = 1000;
/** Characters of a request that a message shows. */
const BRIEF = 60;

export interface ReadExamples {
  readonly examples: Example[];
  readonly notes: Note[];
  /** Sentences that begin with file and line. */
  readonly faults: string[];
}

/** Tells `fault` what is wrong with the answer of a line, and returns its calls. */
function readCalls(row: PyDict, check: CallCheck, fault: (text: string) => void): readonly ToolCall[] {
  const written = row.get('calls');
  try {
    const calls = callsOf(written).map(({ name, arguments: given }): ToolCall => {
      const bad = portableFault(given);
      if (bad !== undefined) fault(`the arguments of ${name} have ${bad}; correct it.`);
      return check.withoutNulls({ name, arguments: toJsonObject(given) });
    });
    for (const text of calls.flatMap((call) => check.faults(call))) fault(text);
    return calls;
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    fault(
      `${thrown.message.replace(/\. Not JSON: (.*)\.$/, ' ($1)').replace(/\.$/, '')}; write {"name": "...", "arguments": {...}}.`,
    );
    return [];
  }
}

/** The example of a line; undefined, and `fault` is told, where it has none. */
function readLine(
  text: string,
  line: number,
  check: CallCheck,
  tell: (text: string) => void,
): Example | undefined {
  const parsed = tryParseJson(text);
  if (!parsed.ok) {
    tell(
      `it is not JSON (${parsed.error.message.replace(/^Not JSON: |\.$/g, '')}); correct or remove the line.`,
    );
    return undefined;
  }
  if (!isDict(parsed.value)) {
    tell(`it is ${typeName(parsed.value)}; write one object a line, {"request": "...", "calls": [...]}.`);
    return undefined;
  }
  let isRight = true;
  const fault = (why: string): void => {
    isRight = false;
    tell(why);
  };
  const row = parsed.value;
  const [request, reply] = [row.get('request'), row.get('reply') ?? ''];
  if (typeof request !== 'string' || request.trim() === '')
    fault(
      row.has('messages')
        ? 'it is a conversation; give the file to "tinystar init DIR --tools FILE", which reads traces.'
        : 'it has no text under "request"; say what the person asks for.',
    );
  else if (request.length > LONGEST_REQUEST)
    fault(`its request has ${request.length} characters; shorten it to ${LONGEST_REQUEST} at most.`);
  if (typeof reply !== 'string') fault(`its reply is ${typeName(reply)}; write a text.`);
  if (!row.has('calls') && !row.has('reply'))
    fault('it has neither "calls" nor "reply"; "calls": [] says that nothing is to be called.');
  const calls = readCalls(row, check, fault);
  if (calls.length > 0 && reply !== '') fault('it has both calls and a reply; keep the one that is due.');
  if (!isRight || typeof request !== 'string' || typeof reply !== 'string') return undefined;
  const isInferred = row.get('made') === INFERRED ? { isInferred: true as const } : {};
  return { request: request.trim(), calls, reply: reply.trim(), line, ...isInferred };
}

/** A request as the same words are recognised again. */
const sameWords = (request: string): string =>
  request
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s.,!?;:]+/gu, ' ')
    .trim();

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, sorted(inner)]);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Calls as text, the same for the same calls in any order of their arguments; of words only that they are words. */
const answerKey = ({ calls }: Example): string => JSON.stringify(calls.map(sorted));

/** Examples that ask the same and want different calls, grouped by their words. */
function contradictions(examples: readonly Example[]): Example[][] {
  const groups = new Map<string, Example[]>();
  for (const example of examples) {
    const words = sameWords(example.request);
    const group = groups.get(words) ?? [];
    group.push(example);
    groups.set(words, group);
  }
  return [...groups.values()].filter((group) => new Set(group.map(answerKey)).size > 1);
}

/** The example of a group that most of it agree with; of as many, the first. */
function agreed(group: readonly Example[]): string {
  const counts = new Map<string, number>();
  for (const example of group) counts.set(answerKey(example), (counts.get(answerKey(example)) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

const linesText = (group: readonly Example[]): string => group.map(({ line }) => line).join(', ');

/** Reads examples with all that is wrong with them; throws a UserError only for a file that cannot be read. */
export function readExampleFile(path: string, functions: readonly Tool[]): ReadExamples {
  const check = new CallCheck(functions);
  const [examples, faults, notes]: [Example[], string[], Note[]] = [[], [], []];
  for (const { text, number } of linesOf(path)) {
    // Files that were put together may have a byte order mark in their middle.
    const line = text.replace(/^\uFEFF/, '').trim();
    if (line === '') continue;
    const read = readLine(line, number, check, (why) => faults.push(`${path}:${number}: ${why}`));
    if (read !== undefined) examples.push(read);
  }
  const groups = contradictions(examples);
  if (examples.length <= BY_HAND) {
    for (const group of groups)
      faults.push(
        `${path}: lines ${linesText(group)} ask the same (${JSON.stringify(shortened(group[0]?.request ?? '', BRIEF))}) and want different calls; keep the right one.`,
      );
    return { examples, faults, notes };
  }
  const dropped = new Set(
    groups.flatMap((group) => group.filter((example) => answerKey(example) !== agreed(group))),
  );
  const [first] = groups;
  if (first !== undefined)
    notes.push({
      where: `${path}:${first[0]?.line ?? 0}`,
      text: `${groups.length} requests are there with different calls, such as lines ${linesText(first)}; what most of their lines say is taken, and ${dropped.size} lines are left out`,
    });
  return { examples: examples.filter((example) => !dropped.has(example)), faults, notes };
}

/** Examples of a file; throws one UserError with all faults, each with file and line. */
export function readExamples(path: string, functions: readonly Tool[]): Example[] {
  const { examples, faults } = readExampleFile(path, functions);
  throwFaults('EXAMPLES', path, faults);
  return examples;
}
