/** Facts that other programs found out, kept compressed in test/golden (its README says by whom, and under which licence). */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** Text of `test/golden/<name>.br`. */
export function goldenText(name: string): string {
  return brotliDecompressSync(readFileSync(new URL(`../golden/${name}.br`, import.meta.url))).toString(
    'utf8',
  );
}

/** Lines of such a file. */
export const goldenLines = (name: string): string[] => goldenText(name).trimEnd().split('\n');
