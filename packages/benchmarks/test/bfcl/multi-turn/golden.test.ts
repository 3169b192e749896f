/** The official checker's verdicts and what the official classes answered, for 12,161 trajectories. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  callText,
  checkMultiTurn,
  LongContext,
  type MultiTurnEntry,
  readMultiTurnEntry,
  Shared,
  Simulation,
} from '../../../src/bfcl/multi-turn/index.ts';
import { APIS } from '../../../src/bfcl/multi-turn/apis/index.ts';
import { jsonText } from '../../../src/bfcl/multi-turn/python/print.ts';
import { parseJson } from '../../../../../src/json/parse.ts';
import { DATA, goldenLines } from '../shared.ts';
import type { PyDict } from '../../../../../src/json/python.ts';

const data = `${DATA}/`;

const CATEGORIES = ['base', 'miss_func', 'miss_param', 'long_context'];

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly call_strings: readonly (readonly (readonly string[])[])[];
  readonly valid: boolean;
  readonly error_type: string | null;
  readonly detail: readonly string[] | null;
  readonly results: readonly (readonly (readonly string[])[])[];
}

function dictIn(text: string): PyDict {
  return parseJson(text) as PyDict;
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

function readEntries(): Map<string, MultiTurnEntry> {
  const constants = `${data}long_context.json`;
  const long = new LongContext(dictIn(readFileSync(constants, 'utf8')), constants);
  const entries = CATEGORIES.flatMap((category) => {
    const file = `BFCL_v3_multi_turn_${category}.json`;
    const answers = lines(`${data}possible_answer/${file}`);
    return lines(`${data}${file}`).map((line, i) =>
      readMultiTurnEntry(dictIn(line), dictIn(answers[i]!), long),
    );
  });
  return new Map(entries.map((entry) => [entry.id, entry]));
}

/** Tells whether a result is the golden's, which has long ones as their beginning and their length. */
function isSame(result: string, wanted: string): boolean {
  const cut = /^([^]*)…#(\d+)$/.exec(wanted);
  if (cut === null) return result === wanted;
  return result.startsWith(cut[1]!) && Array.from(result).length === Number(cut[2]);
}

describe('official verdicts of several turns', () => {
  const entries = readEntries();
  const rows = goldenLines('bfcl-multiturn').map((line) => JSON.parse(line) as Row);

  it('agree on every trajectory: valid or not, the error, and what differs', { timeout: 120_000 }, () => {
    const wrong = rows.filter((row) => {
      const verdict = checkMultiTurn(entries.get(row.id)!, row.call_strings);
      if (verdict.valid || row.valid) return verdict.valid !== row.valid;
      // The golden sorts the names of attributes, and has null for no details.
      const ofState = verdict.errorType === 'multi_turn:instance_state_mismatch';
      const details = ofState ? [...verdict.details].sort() : verdict.details;
      return (
        verdict.errorType !== row.error_type || JSON.stringify(details) !== JSON.stringify(row.detail ?? [])
      );
    });
    expect(rows).toHaveLength(12_161);
    expect(wrong.map(({ id, kind }) => `${id} ${kind}`)).toEqual([]);
  });

  it('agree with what every call returned, in one process', { timeout: 120_000 }, () => {
    // The golden's rows were run one after the other in one process, which lets lists of one post show in others.
    const process = new Shared();
    let calls = 0;
    const wrong: string[] = [];
    for (const { id, kind, call_strings, results } of rows) {
      const simulation = new Simulation(entries.get(id)!, { side: 'model', shared: process });
      const got = call_strings.flat().flatMap((step) => simulation.execute(step));
      const wanted = results.flat(2);
      calls += wanted.length;
      if (got.length !== wanted.length) wrong.push(`${id} ${kind}: ${got.length} results`);
      wanted.forEach((result, i) => {
        if (!isSame(got[i] ?? '', result)) wrong.push(`${id} ${kind}: ${result}`);
      });
    }
    expect(calls).toBe(79_935);
    expect(wrong).toEqual([]);
  });

  it('come from texts that calls are written as', { timeout: 120_000 }, () => {
    let calls = 0;
    const wrong: string[] = [];
    for (const line of goldenLines('bfcl-multiturn')) {
      const row = dictIn(line);
      const written = (row.get('call_strings') as string[][][]).flat(2);
      const given = (row.get('calls') as PyDict[][][]).flat(2);
      calls += given.length;
      given.forEach((call, i) => {
        const text = callText(call.get('name') as string, call.get('arguments') as PyDict);
        if (text !== written[i]) wrong.push(text);
      });
    }
    expect(calls).toBe(79_935);
    expect(wrong).toEqual([]);
  });
});

describe('the simulated APIs', () => {
  it('have the methods, parameters and defaults of the official classes', () => {
    const signatures = dictIn(readFileSync(`${data}method_signatures.json`, 'utf8'));
    const ours = APIS.map((api) => [
      api.className,
      Object.entries(api.methods)
        .map(([name, { parameters }]) => {
          const list = parameters.map((parameter) =>
            typeof parameter === 'string'
              ? parameter
              : // An empty list is shared by all calls in the reference, and stands apart from other values here.
                `${parameter[0]}=${jsonText(parameter[1]) ?? '[]'}`,
          );
          return `${name}(${list.join(', ')})`;
        })
        .sort(),
    ]);
    const theirs = APIS.map(({ className }) => [
      className,
      [...(signatures.get(className) as PyDict)]
        .map(([name, parameters]) => {
          const list = (parameters as PyDict[]).map((parameter) => {
            const byDefault = parameter.get('default');
            const own = parameter.get('name') as string;
            return parameter.has('default') ? `${own}=${jsonText(byDefault as never)!}` : own;
          });
          return `${name}(${list.join(', ')})`;
        })
        .sort(),
    ]);
    expect(ours).toEqual(theirs);
    expect(ours.flatMap(([, methods]) => methods)).toHaveLength(129);
  });
});
