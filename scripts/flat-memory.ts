/**
 * Shows that the memory of the data commands does not grow with their input: runs them on a generated file and on one
 * many times its size, and prints sizes, peaks of memory and rates. Everything is in a temporary folder that is removed.
 *
 *     npx tsx scripts/flat-memory.ts [--gigabytes 1] [--steps convert,render]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LineWriter } from '../src/base/line-writer.ts';
import { runApp } from '../packages/cli/src/app.ts';
import type { Services } from '../packages/cli/src/context.ts';
import { inventedGroup } from '../packages/assistant/src/index.ts';
import { readRecord, recordLine } from '../src/data/record.ts';
import { trainVocabulary } from '../packages/assistant/src/vocabulary.ts';
import { fromJson } from '../src/json/python.ts';
import type { JsonValue } from '../src/json/value.ts';

const GIGABYTE = 1e9;
/** The small file is this much smaller than the large one. */
const SMALLER = 32;
/** Groups of generated dialogues; the file goes round them with other ids and other words. */
const GROUPS = 256;

interface Usage {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Writes generated records until the file has `bytes` bytes; answers how many they are. */
function generate(path: string, bytes: number): number {
  const records = Array.from({ length: GROUPS }, (_, i) => inventedGroup(1, i))
    .flat()
    .map((dialogue) => readRecord(fromJson(dialogue as unknown as JsonValue), dialogue.id));
  const lines = records.map((record) => recordLine({ ...record, id: 'ID' }));
  using output = new LineWriter(path);
  for (let size = 0, i = 0; size < bytes; i++) {
    const line = lines[i % lines.length]!.replace('"ID"', `"row-${i}"`);
    output.write(line);
    size += Buffer.byteLength(line) + 1;
  }
  output.commit();
  return output.lines;
}

/** Runs a command in this process, which says of itself at the end what it took. */
async function child(args: readonly string[]): Promise<void> {
  const start = performance.now();
  const services: Services = {
    runRecipe: () => Promise.reject(new Error('no recipe is run here')),
    onInterrupt: () => () => undefined,
    kill: (code) => process.exit(code),
    now: () => performance.now(),
  };
  process.exitCode = await runApp(args, { process, services });
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const usage: Usage = {
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakBytes: maxRSS * 1024,
  };
  process.stderr.write(`\n${JSON.stringify(usage)}\n`);
}

function measured(args: readonly string[]): Usage {
  const self = fileURLToPath(import.meta.url);
  const run = spawnSync(process.execPath, ['--import', 'tsx', self, '--child', '--', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (run.status !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}`);
  return JSON.parse(run.stderr.trimEnd().split('\n').at(-1) ?? '') as Usage;
}

function measureFile(folder: string, bytes: number, steps: readonly string[]): void {
  const input = join(folder, 'generated.jsonl');
  const rows = generate(input, bytes);
  const size = statSync(input).size;
  console.log(`\n${(size / 1e6).toFixed(0)} MB, ${rows} rows`);
  for (const step of steps) {
    const output = join(folder, `${step}.jsonl`);
    const flags = step === 'render' ? ['--tokenizer', join(folder, 'tokenizer'), '--mode', 'star'] : [];
    const { seconds, cpuSeconds, peakBytes } = measured(['data', step, input, ...flags, '--output', output]);
    rmSync(output);
    const per = (amount: number): string => (amount / cpuSeconds).toFixed(0);
    console.log(
      `  data ${step.padEnd(8)} peak ${(peakBytes / 1e6).toFixed(0).padStart(4)} MB of memory, ` +
        `${per(rows)} rows/s and ${per(size / 1e6)} MB/s of CPU time (${cpuSeconds.toFixed(0)} s, ${seconds.toFixed(0)} s passed)`,
    );
  }
  rmSync(input);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      gigabytes: { type: 'string', default: '1' },
      steps: { type: 'string', default: 'convert,render' },
    },
  });
  const bytes = Number(values.gigabytes) * GIGABYTE;
  const steps = values.steps.split(',');
  const folder = mkdtempSync(join(tmpdir(), 'tinystar-memory-'));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', clear);
  process.on('SIGINT', () => process.exit(130));
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node.js ${process.versions.node}`);
  if (steps.includes('render'))
    trainVocabulary({ seed: 1, size: 2048, groups: 64 }).save(join(folder, 'tokenizer'));
  measureFile(folder, bytes / SMALLER, steps);
  measureFile(folder, bytes, steps);
}

if (process.argv[2] === '--child') await child(process.argv.slice(4));
else main();
