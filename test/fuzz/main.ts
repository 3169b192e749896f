/**
 * Damages files of every kind that a user can hand over, and fails if a command answers with anything but a result or an
 * error for the user: a stack trace, the death of the process, more than ten seconds, more than a gigabyte, a changed input.
 * Run: npm run fuzz -- [--seed 1] [--count 20000] [--from 0] [--kind NAME,...] [--index N] [--verbose]
 *
 * A case depends on seed, kind and index alone: --kind and --index repeat one and leave its folder there. --from goes on
 * where another call ended.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { caseAt, type CaseId } from './cases.ts';
import { KIND_NAMES } from './kinds.ts';
import { Pool, type Result } from './pool.ts';
import { makeSeeds } from './seeds.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    from: { type: 'string', default: '0' },
    kind: { type: 'string' },
    index: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const [seed, count, from] = [Number(values.seed), Number(values.count), Number(values.from)];
const kinds = values.kind?.split(',');
const unknown = (kinds ?? []).filter((kind) => !KIND_NAMES.includes(kind));
if (unknown.length > 0 || ![seed, count, from].every(Number.isSafeInteger)) {
  console.error(`${unknown.join(', ') || 'That'} is unknown. The kinds are ${KIND_NAMES.join(', ')}.`);
  process.exit(2);
}

const nameOf = ({ kind, index }: CaseId): string => `--seed ${seed} --kind ${kind} --index ${index}`;
const show = ({ id, done, fault, seconds, code, said }: Result): void => {
  const command = done === undefined ? '' : `  tinystar ${done.command.join(' ')}  (${done.file})\n`;
  console.log(
    `${nameOf(id)}  ${seconds.toFixed(2)} s, exit code ${code ?? 'none'}\n${command}  ${fault ?? said ?? ''}`,
  );
};

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-fuzz-'));
const places = { seeds: join(scratch, 'seeds'), folder: join(scratch, 'case') };
process.once('exit', () => {
  rmSync(places.seeds, { recursive: true, force: true });
  if (values.index === undefined) rmSync(scratch, { recursive: true, force: true });
});
await makeSeeds(places.seeds);
using pool = new Pool(places);
if (values.index !== undefined) {
  const result = await pool.try({ seed, kind: kinds?.[0] ?? '', index: Number(values.index) });
  show(result);
  console.log(`  in ${places.folder}`);
  process.exit(result.fault === undefined ? 0 : 1);
}
const start = performance.now();
let faults = 0;
let refused = 0;
let slowest = 0;
for (let place = from; place < from + count; place++) {
  const result = await pool.try(caseAt(seed, place, kinds));
  if (result.fault !== undefined) faults += 1;
  if (result.code === 1) refused += 1;
  slowest = Math.max(slowest, result.seconds);
  if (result.fault !== undefined || values.verbose) show(result);
  const tried = place + 1 - from;
  if (tried % 1000 === 0 || tried === count)
    console.log(
      `${tried} cases from ${from}, seed ${seed}: ${faults} faults, ${refused} refused; slowest ${slowest.toFixed(1)} s, ${((performance.now() - start) / tried).toFixed(0)} ms each`,
    );
}
process.exitCode = faults === 0 ? 0 : 1;
