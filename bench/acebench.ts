/**
 * Scoring ACEBench's normal and special sets from a file of responses, reading and writing included, on one core. It needs the
 * benchmark's data:
 *
 *     ACEBENCH_DATA=path/to/acebench/data_en npm run bench
 *
 * The responses are the official answers, so that no check ends early.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { scoreResponses } from '../packages/benchmarks/src/results.ts';
import { officialReply } from '../packages/benchmarks/src/acebench/replay.ts';
import { REVISIONS } from '../packages/benchmarks/src/acebench/revision.ts';
import { evaluation as benchmark } from '../packages/benchmarks/src/acebench/evaluation.ts';
import { acebench as spec } from '../packages/benchmarks/src/acebench/index.ts';
import { responseLine } from '../packages/benchmarks/src/responses.ts';
import { compare } from './compare.ts';

/** Measures it, if the environment says where the data are. */
export async function acebench(): Promise<void> {
  const data = process.env['ACEBENCH_DATA'];
  if (data === undefined) {
    console.log('\nACEBench: set ACEBENCH_DATA to its data to have its scoring measured');
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'tinystar-bench-acebench-'));
  try {
    const { entries } = benchmark.entries({ data });
    const file = join(scratch, 'responses.jsonl');
    writeFileSync(file, entries.map((entry) => `${responseLine(entry.id, officialReply(entry))}\n`).join(''));
    const defaults = z.object(spec.options).parse({});
    const folders = { out: join(scratch, 'out'), runs: scratch };
    const slowest = { seconds: 0 };
    const run = (revision: (typeof REVISIONS)[number]) => (): number => {
      const before = process.cpuUsage();
      const options = { ...defaults, data, revision };
      scoreResponses({ spec, benchmark, options, ...folders }, file);
      const { user, system } = process.cpuUsage(before);
      const seconds = (user + system) / 1e6;
      slowest.seconds = Math.max(slowest.seconds, seconds);
      return seconds;
    };
    const title = `ACEBench, all ${entries.length} entries from a file of responses to verdicts, one thread, by processor time`;
    for (const revision of REVISIONS) {
      const name = `revision ${revision}`;
      await compare(title, [{ name, work: entries.length, unit: 'entries/s', run: run(revision) }]);
    }
    console.log(`  the slowest, with code that was never run before: ${slowest.seconds.toFixed(2)} s`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
