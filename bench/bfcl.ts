/**
 * Scoring all of BFCL v3 from a file of responses, reading and writing included, on one core. It needs the benchmark's data:
 *
 *     BFCL_DATA=path/to/bfcl/data npm run bench
 *
 * The responses are made of the accepted answers, so that no check ends early.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { scoreResponses } from '../packages/benchmarks/src/results.ts';
import { CATEGORY_NAMES, rulesOf } from '../packages/benchmarks/src/bfcl/categories.ts';
import type { Scores } from '../packages/benchmarks/src/bfcl/scores.ts';
import { type Entry, readEntries } from '../packages/benchmarks/src/bfcl/entries.ts';
import { bfcl as spec } from '../packages/benchmarks/src/bfcl/index.ts';
import { evaluation as benchmark } from '../packages/benchmarks/src/bfcl/evaluation.ts';
import { responseLine } from '../packages/benchmarks/src/responses.ts';
import { dumps } from '../src/json/dumps.ts';
import { isDict, isList, type PyDict, type PyValue } from '../src/json/python.ts';
import { parsePythonCalls } from '../src/chat/formats/python-calls.ts';
import { compare } from './compare.ts';

function block(name: string, given: PyValue): string {
  const call = new Map<string, PyValue>([
    ['name', name],
    ['arguments', given],
  ]);
  return `<tool_call>\n${dumps(call)}\n</tool_call>`;
}

/** The first accepted value of each parameter that has to be there. */
function accepted(answer: PyDict): string {
  const [name = '', parameters = null] = [...answer][0] ?? [];
  const given = (isDict(parameters) ? [...parameters] : []).flatMap(([key, values]): [string, PyValue][] => {
    const value = isList(values) && !values.includes('') ? values[0] : undefined;
    return value === undefined ? [] : [[key, value]];
  });
  return block(name, new Map(given));
}

/** A wanted call as a step of a model; a few give their arguments without names, and are left out. */
function step(call: string): string[] {
  try {
    return parsePythonCalls(`[${call}]`).map((one) => block(one.name, one.arguments));
  } catch {
    return [];
  }
}

function response(entry: Entry): PyValue {
  if (entry.kind === 'multi')
    return entry.simulated.groundTruth.map((calls) => [...calls.flatMap(step), 'Done.']);
  const { kind } = rulesOf(entry.category).check;
  if (kind === 'relevance') return block('any', new Map());
  return kind === 'irrelevance' ? 'None of these.' : entry.answers.map(accepted).join('\n');
}

/** Measures it, if the environment says where the data are. */
export async function bfcl(): Promise<void> {
  const data = process.env['BFCL_DATA'];
  if (data === undefined) {
    console.log('\nBFCL v3: set BFCL_DATA to its data to have its scoring measured');
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-bench-bfcl-'));
  try {
    const entries = readEntries(data, CATEGORY_NAMES);
    const file = join(scratch, 'responses.jsonl');
    writeFileSync(file, entries.map((entry) => `${responseLine(entry.id, response(entry))}\n`).join(''));
    const options = { ...z.object(spec.options).parse({}), data };
    const folders = { out: join(scratch, 'out'), runs: scratch };
    let summary = '';
    await compare(`BFCL v3, all ${entries.length} entries from a file of responses to verdicts, one thread`, [
      {
        name: 'by the processor’s clock',
        work: entries.length,
        unit: 'entries/s',
        run: () => {
          const before = process.cpuUsage();
          const start = performance.now();
          const { scores } = scoreResponses({ spec, benchmark, options, ...folders }, file);
          const { user, system } = process.cpuUsage(before);
          const seconds = (user + system) / 1e6;
          const wall = (performance.now() - start) / 1000;
          summary = `${seconds.toFixed(2)} s of processor time, ${wall.toFixed(2)} s by the clock; overall ${(100 * ((scores as Scores).summary['overall'] ?? 0)).toFixed(2)}%`;
          return seconds;
        },
      },
    ]);
    console.log(`  the last one took ${summary}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
