/** Runs of `tinystar eval BENCHMARK` in a folder of their own, which is removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { makeBfcl } from '../../benchmarks/test/bfcl/made.ts';
import { type CliResult, runCli } from '../../../test/helpers/cli.ts';

export interface BenchmarkRuns {
  readonly folder: string;
  readonly data: string;
  readonly runs: string;
  readonly evaluate: (...args: string[]) => Promise<CliResult>;
}

export function benchmarkRuns(benchmark: string, dataIn: (folder: string) => string): BenchmarkRuns {
  const folder = mkdtempSync(join(tmpdir(), `tinystar-${benchmark}-`));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const data = dataIn(folder);
  const runs = join(folder, 'runs');
  const common = ['eval', benchmark, '--data', data, '--runs', runs];
  return { folder, data, runs, evaluate: (...args) => runCli([...common, ...args]) };
}

/** Runs of `tinystar eval bfcl` on a benchmark of our own in the official layout. */
export const bfclRuns = (): BenchmarkRuns =>
  benchmarkRuns('bfcl', (folder) => {
    const data = join(folder, 'data');
    makeBfcl(data);
    return data;
  });
