/**
 * The official verdicts, decoded calls and prompts of both revisions; skipped where they are not at hand, as ACEBench has no
 * licence to copy its texts (test/golden/README.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CATEGORIES } from '../../src/acebench/categories.ts';
import { dataFolder, loadEntries } from '../../src/acebench/dataset.ts';
import { decodeCalls } from '../../src/acebench/decode.ts';
import { judgeReply } from '../../src/acebench/judge.ts';
import { promptOf } from '../../src/acebench/prompts.ts';
import { officialReply } from '../../src/acebench/replay.ts';
import { judgeEntries, meanOf, scoreCategories } from '../../src/acebench/scores.ts';
import { isEntries, isItems, Tuple, type Value } from '../../src/acebench/values.ts';
import { dumps } from '../../../../src/json/dumps.ts';
import { parseJson } from '../../../../src/json/parse.ts';
import { isDict, type PyDict, type PyValue } from '../../../../src/json/python.ts';

const shared = fileURLToPath(new URL('../../../../../shared/', import.meta.url));
const golden = (name: string): string => `${shared}golden/acebench-${name}.jsonl.gz`;

const once = <Value>(read: (name: string) => Value): ((name: string) => Value) => {
  const known = new Map<string, Value>();
  return (name) => {
    const value = known.get(name) ?? read(name);
    known.set(name, value);
    return value;
  };
};
const entriesOf = once((revision) =>
  loadEntries(dataFolder(`${shared}data/acebench-${revision}`), CATEGORIES),
);
const rowsOf = once((name: string): readonly PyDict[] => {
  const lines = gunzipSync(readFileSync(golden(name)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => parseJson(line)).filter(isDict);
});

function text(row: PyDict, key: string): string {
  const value = row.get(key);
  if (typeof value !== 'string') throw new Error(`${key} is no text`);
  return value;
}

/** A value as the reference wrote it to JSON: tuples as lists. */
function asJson(value: Value): PyValue {
  if (value instanceof Tuple) return value.items.map(asJson);
  if (isItems(value)) return value.map(asJson);
  if (isEntries(value))
    return new Map([...value].map(([key, item]): [string, PyValue] => [key as string, asJson(item)]));
  return value as PyValue;
}

const revisions = [
  { revision: '2025-08', rows: 7417, ceiling: 0.907 },
  { revision: '2025-10', rows: 6950, ceiling: 0.956 },
] as const;

describe.each(revisions)('official results of revision $revision', ({ revision, rows, ceiling }) => {
  const isThere = existsSync(golden(revision));

  test.skipIf(!isThere)('every verdict and every error class is the same', () => {
    const entries = new Map(entriesOf(revision).map((entry) => [entry.id, entry]));
    const cases = rowsOf(revision);
    const wrong = cases.flatMap((row) => {
      const verdict = judgeReply(entries.get(text(row, 'id'))!, text(row, 'raw_text'), revision);
      const error = verdict.valid ? null : verdict.error;
      const isSame = verdict.valid === row.get('valid') && error === row.get('error_type');
      return isSame ? [] : [[text(row, 'id'), text(row, 'kind'), error, row.get('error_type')]];
    });
    expect(cases).toHaveLength(rows);
    expect(wrong).toEqual([]);
  });

  test.skipIf(!isThere)('every reply decodes to the same calls', () => {
    const cases = rowsOf(revision).filter((row) => text(row, 'category').startsWith('normal'));
    const wrong = cases.filter((row) => {
      const isDialogue = text(row, 'category').includes('multi_turn');
      const calls = decodeCalls(text(row, 'raw_text'), revision, isDialogue);
      const own = calls?.map((call) => new Map([[call.name, asJson(call.arguments)]])) ?? null;
      return dumps(own) !== dumps(row.get('decoded') ?? null);
    });
    expect(cases.length).toBeGreaterThan(6000);
    expect(wrong.map((row) => row.get('raw_text'))).toEqual([]);
  });

  test.skipIf(!isThere)(`the official answers reach ${ceiling}`, () => {
    const entries = entriesOf(revision);
    const replies = new Map(entries.map((entry) => [entry.id, officialReply(entry)]));
    const replayed = rowsOf(revision).filter((row) => row.get('kind') === 'gt');
    expect(replayed.map((row) => replies.get(text(row, 'id')))).toEqual(
      replayed.map((row) => row.get('raw_text')),
    );
    const scores = scoreCategories(entries, judgeEntries(entries, replies, revision), revision);
    expect(meanOf(scores, 'normal')).toEqual({ accuracy: ceiling, ceiling });
    expect(meanOf(scores, 'special')).toEqual({ accuracy: 1, ceiling: 1 });
  });
});

test.skipIf(!existsSync(golden('prompts')))('every prompt is the same to the last character', () => {
  const entries = entriesOf('2025-08');
  const prompts = new Map(entries.map((entry) => [entry.id, promptOf(entry)]));
  const cases = rowsOf('prompts');
  expect(cases).toHaveLength(74);
  for (const row of cases) {
    expect(prompts.get(text(row, 'id'))).toEqual([
      { role: 'system', content: text(row, 'system') },
      { role: 'user', content: text(row, 'user') },
    ]);
  }
});
