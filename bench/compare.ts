/** Runs what is to be compared in turn, since machines are noisy, and prints medians with their spread. */

const REPETITIONS = 5;

export interface Timed {
  readonly name: string;
  /** Number of counted things, in one repetition. */
  readonly work: number;
  readonly unit: string;
  /** Answers how long it took, where that is not the time that passed. */
  run(): Promise<number | void> | number | void;
}

/** Speed of one way, as a multiple of that of another. */
export interface Ratio {
  readonly name: string;
  readonly ratio: number;
}

/** Runs candidates in turn, after one round of warming up, prints each one's median rate and spread, and compares the first with the others. */
export async function compare(title: string, candidates: readonly Timed[]): Promise<Ratio[]> {
  const seconds = candidates.map((): number[] => []);
  for (let round = 0; round <= REPETITIONS; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const start = performance.now();
      const told = await candidate.run();
      if (round > 0) seconds[i]!.push(told ?? (performance.now() - start) / 1000);
    }
  }
  console.log(`\n${title}`);
  const medians = seconds.map((own) => own.toSorted((a, b) => a - b)[Math.floor(own.length / 2)]!);
  candidates.forEach(({ name, work, unit }, i) => {
    const rate = (s: number): string => (work / s).toFixed(0);
    const own = seconds[i]!;
    const spread = `${rate(Math.max(...own))} to ${rate(Math.min(...own))}`;
    console.log(`  ${name.padEnd(34)} ${rate(medians[i]!).padStart(7)} ${unit} (${spread})`);
  });
  const rates = candidates.map(({ work }, i) => work / medians[i]!);
  return candidates.flatMap(({ name, unit }, i): Ratio[] => {
    if (i === 0 || unit !== candidates[0]?.unit) return [];
    const ratio = rates[0]! / rates[i]!;
    console.log(`  the first is ${ratio.toFixed(2)} times as fast as: ${name}`);
    return [{ name: `${title}: ${candidates[0].name} to ${name}`, ratio }];
  });
}
