/** Five hundred cases of the fuzzer for files; `npm run fuzz` has as many as one likes. And what the fuzzer itself must see. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { caseAt, inputsOf, makeCase } from './cases.ts';
import { mutateJsonText } from './json.ts';
import { KIND_NAMES, KINDS } from './kinds.ts';
import { Pool } from './pool.ts';
import { makeSeeds } from './seeds.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-fuzz-'));
const places = { seeds: join(scratch, 'seeds'), folder: join(scratch, 'case') };
beforeAll(() => makeSeeds(places.seeds));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const CASES = 500;

test(
  `${CASES} damaged files of all kinds end in a result or in an error for the user`,
  { timeout: 300_000 },
  async () => {
    using pool = new Pool(places);
    const faults: unknown[] = [];
    let refused = 0;
    for (let place = 0; place < CASES; place++) {
      const { id, fault, code } = await pool.try(caseAt(2026, place));
      if (fault !== undefined) faults.push({ ...id, fault });
      if (code === 1) refused += 1;
    }
    expect(faults).toEqual([]);
    // Cases that are all refused at once, or never, would show nothing.
    expect(refused).toBeGreaterThan(CASES / 4);
    expect(refused).toBeLessThan((3 * CASES) / 4);
  },
);

test('a case is the same for the same seed and index, and another one for others', () => {
  const contents = (seed: number, kind: string, index: number): string => {
    const made = makeCase({ seed, kind, index }, places.seeds, places.folder);
    return JSON.stringify([made.command, [...inputsOf(places.folder, undefined)]]);
  };
  for (const kind of KIND_NAMES) {
    const first = contents(1, kind, 3);
    expect(contents(1, kind, 3)).toBe(first);
    expect(
      new Set([first, contents(2, kind, 3), contents(1, kind, 4), contents(1, kind, 5)]).size,
    ).toBeGreaterThan(1);
  }
});

test('every file of every kind is there to be damaged in some run', () => {
  const lacking = Object.entries(KINDS).flatMap(([name, { targets }]) =>
    targets.some(([path]) => readFileSync(join(places.seeds, path)).length > 0) ? [] : [name],
  );
  expect(lacking).toEqual([]);
});

test('JSON inside of strings is changed as JSON, and most changes are JSON again', () => {
  const text = JSON.stringify({ tools: JSON.stringify([{ name: 'f', parameters: { a: 1 } }]), n: 5 });
  const changed = Array.from({ length: 400 }, (_, i) => mutateJsonText(Rng.seeded(i), text));
  const values = changed.flatMap((one) => {
    try {
      return [JSON.parse(one) as { tools?: unknown }];
    } catch {
      return [];
    }
  });
  expect(values.length).toBeGreaterThan(200);
  const inner = values.flatMap((value) => (typeof value?.tools === 'string' ? [value.tools] : []));
  expect(
    inner.filter((tools) => tools.startsWith('[') && tools !== (JSON.parse(text) as { tools: string }).tools)
      .length,
  ).toBeGreaterThan(20);
});

describe('the pool sees', () => {
  const worker = fileURLToPath(new URL('faulty-worker.ts', import.meta.url));
  const tried = async (...kinds: string[]): Promise<(string | undefined)[]> => {
    using pool = new Pool(places, { worker, seconds: 1, bytes: 500 * 2 ** 20 });
    const results: (string | undefined)[] = [];
    for (const kind of kinds) results.push((await pool.try({ seed: 1, kind, index: 0 })).fault);
    return results;
  };

  test('a process that dies, and goes on with another one', async () => {
    expect(await tried('', 'abort', '')).toEqual([undefined, expect.stringContaining('SIGABRT'), undefined]);
  });
  test('a case without an end', async () => {
    expect(await tried('hang', '')).toEqual(['no end after 1 s', undefined]);
  });
  test.skipIf(process.platform !== 'linux')('a process that takes too much memory', async () => {
    expect(await tried('memory', '')).toEqual([expect.stringMatching(/^\d+ MB of memory$/), undefined]);
  });
  test('what the worker itself has found', async () => {
    expect(await tried('bug')).toEqual(['a bug']);
  });
});
