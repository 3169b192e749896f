/** The choice of what a large base's prompts show of the functions. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { runRecipe } from '../../../src/run/runner.ts';
import { makeTinyStudent } from '../../../test/helpers/tiny-student.ts';
import { basesOf, type Lengths, lengthsOf } from '../src/fit/bases.ts';
import { byHeart, isOpen, tooFew } from '../src/fit/by-heart.ts';
import { settingsSchema } from '../src/settings.ts';
import type { Project } from '../src/types.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tinystar-by-heart-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeAll(() => {
  makeTinyStudent(join(scratch, 'tiny'));
});

const project = (settings: object): Project => ({
  folder: scratch,
  functions: [],
  examples: [],
  settings: settingsSchema.parse({ base: 'tiny/student', minutes: 10, ...settings }),
  notes: [],
});

/** Asks for a choice where a step of 16 sequences by heart takes two seconds. */
async function choose(shared: number, count: number): Promise<string | undefined> {
  const file = join(scratch, 'train.jsonl');
  writeFileSync(file, '');
  const heart = byHeart(project({}));
  const bases = { ...basesOf(heart), isSmall: false };
  const lengths: Lengths = { prompt: 30, answer: 40, shared: 10, whole: shared, meanAnswer: 30, meanOwn: 40 };
  const data = { train: file, dev: file, test: file, tools: file };
  const around = { settings: heart.settings, bases, lengths, functions: 0, data };
  const runs = mkdtempSync(join(scratch, 'runs-'));
  const run: typeof runRecipe = async function* (recipe) {
    mkdirSync(join(runs, recipe.name), { recursive: true });
    const line = `${JSON.stringify({ stage: 'pace', seconds: 2 })}\n`;
    writeFileSync(join(runs, recipe.name, 'log.jsonl'), line.repeat(3));
    yield* [];
  };
  const doing = { runs, runRecipe: run, signal: new AbortController().signal, now: () => 0 };
  const shown = { bases, lengths: { ...lengths, prompt: shared + 30, shared } };
  const asking = tooFew(around, shown, doing, count);
  for (;;) {
    const { done, value } = await asking.next();
    if (done === true) return value;
  }
}

test('functions that would leave no time for the cases are learned by heart', async () => {
  // By heart a case has 40 + 10 / 16 tokens and takes 2 / 16 s. Behind 400 tokens a tree has 30 cases, of 40 + 400 / 30 tokens
  // each: 1.313 times as many. 74% of 10 minutes are enough for 444 / 0.1641 = 2,705 of them.
  expect(await choose(400, 3000)).toMatch(
    /^the functions are learned by heart.* no more than 2705 of the 3000 cases/,
  );
  expect(await choose(400, 2700)).toBeUndefined();
});

test('functions that leave no room for a request are learned by heart', async () => {
  expect(await choose(2040, 100)).toContain('the base has no room for a request and its answer');
});

test('it is a choice for large bases, and where the settings leave it open', () => {
  expect(isOpen(project({}), { isSmall: false })).toBe(true);
  expect(isOpen(project({}), { isSmall: true })).toBe(false);
  expect(isOpen(project({ prompt_tools: 'all' }), { isSmall: false })).toBe(false);
});

test('prompts of a student without a teacher need no room for functions that they do not show', () => {
  const many = Array.from({ length: 200 }, (_, index) => ({
    name: `switch_${index}`,
    description: 'Turn one of the many lamps of this large house on or off',
    parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
  }));
  const of = (settings: object): number => lengthsOf(basesOf(project(settings)), many, []).prompt;
  expect(of({ prompt_tools: 'none' })).toBeLessThan(40);
  expect(of({})).toBeGreaterThan(200 * 20);
  // A teacher reads all of them.
  expect(of({ prompt_tools: 'none', teacher_base: 'tiny/student' })).toBe(of({}));
});
