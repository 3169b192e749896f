/**
 * Scores random mutations of valid generations with every reward, and fails if one throws, takes more than 10 ms, or earns more than 1 or
 * less than -1. Run: tsx scripts/mutate-generations.ts [COUNT = 1000000] [SEED = 1] [REWARD...]; a million take minutes.
 *
 * A time above the limit counts only if it is above it again, ten times in a row: other programs may stop this one at any moment.
 */
import { Rng } from '../src/base/rng.ts';
import { rewardNamed, REWARD_NAMES } from '../src/rewards/index.ts';
import type { Scorer } from '../src/rewards/reward.ts';
import { casesOfFixture } from '../test/helpers/reward-cases.ts';
import { mutated } from '../test/helpers/mutations.ts';

const LIMIT_MS = 10;
const RETRIES = 10;
/** Number of generations in a row that are scored against one task: more would hide nothing, shorter would measure reading of tools. */
const GROUP = 50;

const [countText = '1000000', seedText = '1', ...names] = process.argv.slice(2);
const [count, seed] = [Number(countText), Number(seedText)];
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(seed)) {
  console.error('Usage: tsx scripts/mutate-generations.ts [COUNT] [SEED] [REWARD...]');
  process.exit(2);
}

const cases = casesOfFixture();

interface Found {
  slowest: number;
  readonly faults: string[];
  readonly rewards: Map<string, number>;
}

function scoreOnce(scorer: Scorer<unknown>, generation: string, found: Found): void {
  let fastest = Infinity;
  for (let run = 0; run <= RETRIES && fastest > LIMIT_MS; run++) {
    const start = performance.now();
    const { reward, answer } = scorer.score(generation);
    fastest = Math.min(fastest, performance.now() - start);
    if (run > 0) continue;
    if (!(reward >= -1 && reward <= 1 && answer >= 0 && answer <= 1))
      found.faults.push(`reward ${reward}, answer ${answer}: ${JSON.stringify(generation)}`);
    const kind = reward === -1 ? '-1' : reward === 0 ? '0' : reward === 1 ? '1' : 'between';
    found.rewards.set(kind, (found.rewards.get(kind) ?? 0) + 1);
  }
  found.slowest = Math.max(found.slowest, fastest);
  if (fastest > LIMIT_MS) found.faults.push(`${fastest.toFixed(1)} ms: ${JSON.stringify(generation)}`);
}

function run(name: string): Found {
  const rng = Rng.seeded(seed, 'mutations');
  const found: Found = { slowest: 0, faults: [], rewards: new Map() };
  for (let done = 0; done < count;) {
    const task = rng.pick(cases);
    const scorer = rewardNamed(name).prepare(task);
    for (let n = 0; n < GROUP && done < count; n++, done++) {
      // Mostly this task's own answers: those of others would fail at the name of the function.
      const source = rng.chance(0.8) ? rng.pick([task.generation, task.label]) : rng.pick(cases).generation;
      const generation = mutated(rng, source, rng.pick(cases).generation);
      try {
        scoreOnce(scorer, generation, found);
      } catch (thrown) {
        found.faults.push(`${String(thrown)}: ${JSON.stringify(generation)}`);
      }
    }
  }
  return found;
}

let failed = false;
for (const name of names.length > 0 ? names : REWARD_NAMES) {
  const start = performance.now();
  const { slowest, faults, rewards } = run(name);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const spread = [...rewards].map(([kind, times]) => `${kind}: ${times}`).join(', ');
  console.log(
    `${name}: ${count} mutations of ${cases.length} cases, seed ${seed}, ${seconds} s; rewards ${spread}; slowest ${slowest.toFixed(2)} ms; ${faults.length} faults`,
  );
  for (const fault of faults.slice(0, 10)) console.error(`  ${fault.slice(0, 500)}`);
  failed ||= faults.length > 0;
}
process.exitCode = failed ? 1 : 0;
