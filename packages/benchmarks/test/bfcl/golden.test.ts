/** Parity with the official program: verdicts, names of errors, and prompts. */
import { describe, expect, test } from 'vitest';
import { callsOf, checkCalls } from '../../src/bfcl/ast/calls.ts';
import { CATEGORY_NAMES, isCategory, rulesOf } from '../../src/bfcl/categories.ts';
import { Conversation } from '../../src/bfcl/conversation.ts';
import { splitThought } from '../../src/bfcl/decode.ts';
import { type Entry, readEntries, type SingleTurnEntry } from '../../src/bfcl/entries.ts';
import { promptFunctions, renderPrompt } from '../../src/bfcl/prompt.ts';
import { checkSingleTurn } from '../../src/bfcl/single-turn.ts';
import type { PyDict, PyValue } from '../../../../src/json/python.ts';
import { asText, DATA, golden } from './shared.ts';

const entries = new Map<string, Entry>(readEntries(DATA, CATEGORY_NAMES).map((entry) => [entry.id, entry]));

function singleTurn(id: PyValue | undefined): SingleTurnEntry {
  const entry = entries.get(asText(id));
  if (entry?.kind !== 'single') throw new Error(`${asText(id)} is no entry of one turn`);
  return entry;
}

/** The official name of the error, or null. */
function verdict(
  category: PyValue | undefined,
  functions: PyValue,
  answers: PyValue,
  candidate: PyValue,
): string | null {
  const name = asText(category);
  const check = isCategory(name) ? rulesOf(name).check : undefined;
  if (check?.kind !== 'ast') throw new Error(`${name} compares no syntax trees`);
  const calls = callsOf(candidate);
  if (calls === undefined) return 'ast_decoder:decoder_wrong_output_format';
  const task = { functions: functions as PyDict[], answers: answers as PyDict[], language: check.language };
  return checkCalls(check.pattern, task, calls) ?? null;
}

interface Case {
  readonly id: PyValue | undefined;
  readonly kind: PyValue | undefined;
  readonly expected: PyValue | undefined;
  readonly actual: string | null;
}

const differing = (cases: readonly Case[]): Case[] =>
  cases.filter(({ expected, actual }) => expected !== actual);

describe('official verdicts', () => {
  test('the data has all 4,441 entries', () => {
    expect(entries.size).toBe(4441);
    for (const category of CATEGORY_NAMES) {
      const own = [...entries.values()].filter((entry) => entry.category === category);
      expect(own, category).toHaveLength(rulesOf(category).entries);
    }
  });

  test('Python calls: all 5,862 agree', () => {
    const cases = golden('bfcl-ast').map((row) => ({
      id: row.get('id'),
      kind: row.get('kind'),
      expected: row.get('error_type'),
      actual: verdict(
        row.get('category'),
        row.get('function') ?? null,
        row.get('possible_answer') ?? null,
        row.get('candidate') ?? null,
      ),
    }));
    expect(cases).toHaveLength(5862);
    expect(differing(cases)).toEqual([]);
  });

  test('Java and JavaScript calls: all 5,433 agree', () => {
    const cases = golden('bfcl-java-js').map((row) => {
      const { functions, answers } = singleTurn(row.get('id'));
      return {
        id: row.get('id'),
        kind: row.get('kind'),
        expected: row.get('error_type'),
        actual: verdict(row.get('category'), functions, answers, row.get('candidate') ?? null),
      };
    });
    expect(cases).toHaveLength(5433);
    expect(differing(cases)).toEqual([]);
  });

  test.each(['v3', 'head'] as const)('texts of Qwen3, by the rule of %s: all 2,090 agree', (rule) => {
    const cases = golden('bfcl-raw').map((row) => {
      const { text } = splitThought(asText(row.get('raw_text')));
      expect(text).toBe(row.get('stored_text'));
      return {
        id: row.get('id'),
        kind: row.get('kind'),
        expected: row.get(`error_type_${rule}`),
        actual: checkSingleTurn(singleTurn(row.get('id')), text, rule) ?? null,
      };
    });
    expect(cases).toHaveLength(2090);
    expect(differing(cases)).toEqual([]);
  });
});

describe('official prompts', () => {
  test('all 71 of one turn are the same to the letter', () => {
    const rows = golden('bfcl-prompts').filter((row) => !row.has('turn'));
    expect(rows).toHaveLength(71);
    for (const row of rows) {
      const { turns, functions, category } = singleTurn(row.get('id'));
      expect(renderPrompt(turns[0]!, promptFunctions(functions, category))).toBe(row.get('prompt'));
    }
  });

  test('all 104 of several turns are the same to the letter, step by step, results of calls included', () => {
    const rows = golden('bfcl-prompts').filter((row) => row.has('turn'));
    expect(rows).toHaveLength(104);
    let conversation: Conversation | undefined;
    for (const row of rows) {
      const entry = entries.get(asText(row.get('id')));
      if (entry?.kind !== 'multi') throw new Error('an entry of several turns is expected');
      if (conversation?.entry !== entry) conversation = new Conversation(entry, 'v3');
      expect(conversation.prompt().text).toBe(row.get('prompt'));
      conversation.add(asText(row.get('model_raw')));
    }
  });
});
