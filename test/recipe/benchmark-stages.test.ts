/** The stages in which models answer a benchmark, on small benchmarks of our own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRecipe } from '../../src/recipe/load.ts';
import { writeReport } from '../../packages/report/src/page.ts';
import type { Recipe } from '../../src/recipe/schema.ts';
import { makeBfcl } from '../../packages/benchmarks/test/bfcl/made.ts';
import { runCli } from '../helpers/cli.ts';
import { readLines, runAll, scratchFolder } from '../helpers/runs.ts';

const { folder: scratch, remove } = scratchFolder();
const acebench = fileURLToPath(new URL('../../packages/benchmarks/test/fixtures/acebench', import.meta.url));
const bfcl = join(scratch, 'bfcl');

const text = `
name: measured
threads: 1
models:
  tiny:
    hidden_size: 32
    intermediate_size: 64
    num_hidden_layers: 1
    num_attention_heads: 2
    num_key_value_heads: 1
    head_dim: 16
    max_position_embeddings: 4096
    tokenizer: { vocab_size: 512, groups: 8 }
stages:
  - { name: bfcl, kind: bfcl, models: { one: tiny, two of them: tiny }, data: ${bfcl}, generate_max_len: 4 }
  - name: acebench
    kind: acebench
    models: { one: tiny }
    data: ${acebench}
    category: [atom_bool, special]
    limit: 2
    open_thought: true
    generate_max_len: 4
`;
let recipe: Recipe;

beforeAll(() => {
  makeBfcl(bfcl);
  recipe = parseRecipe(text, join(scratch, 'measured.yaml'));
});
afterAll(remove);

const scoresIn = (run: string, stage: string, name: string): unknown =>
  JSON.parse(readFileSync(join(run, 'stages', stage, 'results', name, 'scores.json'), 'utf8'));

test('leave what the command would leave for each model, and the report shows it', async () => {
  const run = join(scratch, 'runs', 'measured');
  const events = await runAll(recipe, join(scratch, 'runs'));
  expect(events.filter(({ type }) => type === 'stage')).toMatchObject([
    { stage: 'bfcl', kind: 'bfcl', total: 14, done: 0 },
    { stage: 'acebench', kind: 'acebench', total: 4, done: 0 },
  ]);
  expect(events.findLast(({ type }) => type === 'step')).toMatchObject({ step: 4, total: 4 });
  for (const [name, model] of [
    ['0-one', 'one'],
    ['1-two-of-them', 'two of them'],
  ] as const) {
    expect(scoresIn(run, 'bfcl', name)).toMatchObject({
      model,
      sample: null,
      openThought: false,
      categories: { simple: { total: 4 }, irrelevance: { total: 2 }, multi_turn_base: { total: 1 } },
    });
  }
  expect(readLines(join(run, 'stages', 'bfcl', 'results', '0-one', 'verdicts.jsonl'))).toHaveLength(7);
  expect(scoresIn(run, 'acebench', '0-one')).toMatchObject({ model: 'one', sample: 2, openThought: true });
  const page = readFileSync(await writeReport(run), 'utf8');
  const section = /<section id="benchmarks">[\s\S]*?<\/section>/.exec(page)?.[0] ?? '';
  for (const shown of ['two of them', 'prompts ended with &lt;think&gt;', 'STAR-0.6B', '2602.03022'])
    expect(section).toContain(shown);
  const { stdout } = await runCli(['report', run]);
  expect(stdout).toMatch(/^BFCL v3 +overall +Non-Live AST +Live +Multi Turn\none +\d/m);
  expect(stdout).toMatch(/^ACEBench +Normal +its ceiling +Special +its ceiling\none sample +N\/A +\d/m);
});

test('go on where they were stopped, to the same result', async () => {
  const runs = join(scratch, 'stopped');
  const run = join(runs, 'measured');
  const responses = join(run, 'stages', 'bfcl', 'results', '0-one', 'responses.jsonl');
  const stop = new AbortController();
  const poll = setInterval(() => {
    if (existsSync(responses) && readFileSync(responses, 'utf8').includes('\n')) stop.abort();
  }, 1);
  await runAll(recipe, runs, { signal: stop.signal });
  clearInterval(poll);
  expect(existsSync(join(run, 'stages', 'bfcl', 'done.json'))).toBe(false);
  const before = readFileSync(responses, 'utf8');
  await runAll(recipe, runs);
  expect(readFileSync(responses, 'utf8').startsWith(before)).toBe(true);
  for (const [stage, name] of [
    ['bfcl', '0-one'],
    ['bfcl', '1-two-of-them'],
    ['acebench', '0-one'],
  ] as const)
    expect(scoresIn(run, stage, name)).toEqual(scoresIn(join(scratch, 'runs', 'measured'), stage, name));
});

test('without data they say so before a model is loaded', async () => {
  const elsewhere = parseRecipe(text.replaceAll(bfcl, join(scratch, 'nowhere')), join(scratch, 'r.yaml'));
  await expect(runAll({ ...elsewhere, name: 'nowhere' }, join(scratch, 'runs'))).rejects.toThrow(
    /has no BFCL_v3_\*\.json/,
  );
});

test('a recipe that measures nothing, or what does not exist, is refused', () => {
  expect(() => parseRecipe(text.replace('{ one: tiny, two of them: tiny }', '{}'), 'r.yaml')).toThrow(
    /stages\.bfcl\.models is empty/,
  );
  expect(() => parseRecipe(text.replace('two of them: tiny', 'two: tini'), 'r.yaml')).toThrow(
    /stages\.bfcl\.models\.two refers to tini/,
  );
});
