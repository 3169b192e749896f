import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { parseRecipe } from '../../src/recipe/load.ts';

const folder = fileURLToPath(new URL('../../recipes', import.meta.url));
const texts = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join(folder, file), 'utf8'));

/** Tells whether loading ends in a recipe or in an error for the user, and not in a fault of ours. */
function isTold(text: string, set: string[] = []): boolean {
  try {
    // Beside the others, so that what it extends is there.
    parseRecipe(text, join(folder, 't.yaml'), { set });
  } catch (thrown) {
    return thrown instanceof UserError && thrown.message.length > 10 && !thrown.message.includes('undefined');
  }
  return true;
}

const anyRecipe = fc.constantFrom(...texts);

test('no damage to a recipe ends in anything but an error for the user', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom(
      '[',
      '{',
      '}',
      ': ',
      '- ',
      '\n',
      '\t',
      '&a ',
      '*a',
      '<<: *a\n',
      '!!set ',
      '.nan',
      '.inf',
      'null',
      '~',
      '? ',
      '---\n',
      '%',
      '1e999',
      '"',
    ),
  );
  const damaged = fc.tuple(anyRecipe, fc.nat(), fc.nat(30), piece).map(([text, at, cut, put]) => {
    const start = at % text.length;
    return text.slice(0, start) + put + text.slice(start + cut);
  });
  fc.assert(
    fc.property(damaged, (text) => {
      expect(isTold(text)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('no value at any place of a recipe ends in anything but an error for the user', () => {
  const path = fc.constantFrom(
    'name',
    'seed',
    'data',
    'data.source',
    'models',
    'models.student',
    'stages',
    'stages.0',
    'stages.0.kind',
    'stages.0.model',
    'stages.1.data',
    'stages.0.name',
    'stages.evaluation',
    'stages.evaluation.models',
    'export',
    'export.model',
    'compare',
    '',
    '.',
    'x.y.z',
    '__proto__.x',
    'constructor',
  );
  const value = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.constantFrom(
      '',
      '.nan',
      '-.inf',
      '[]',
      '{}',
      '[[]]',
      '{a: {b: c}}',
      'simrl',
      '*a',
      '&a [*a]',
      '__proto__',
      '"constructor"',
    ),
  );
  fc.assert(
    fc.property(anyRecipe, path, value, (text, where, what) => {
      expect(isTold(text, [`${where}=${what}`])).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a recipe that is nested very deep, or of aliases upon aliases, is told so', () => {
  const fault = (text: string): string => {
    try {
      parseRecipe(text, 't.yaml');
    } catch (thrown) {
      if (thrown instanceof UserError) return thrown.message;
      throw thrown;
    }
    return 'nothing';
  };
  const deep = 't.yaml: the recipe is nested more than 100 levels deep; make it flatter.';
  const aliases = (count: number): string =>
    Array.from({ length: count }, (_, i) => `a${i}: &a${i} [${i > 0 ? `*a${i - 1}` : 1}]\n`).join('');
  for (const text of [
    `name: x\nstages: ${'['.repeat(150)}${']'.repeat(150)}`,
    `${'- '.repeat(5000)}x`,
    `${'{a: '.repeat(5000)}`,
  ])
    expect(fault(text)).toBe(deep);
  // Here the library's parser itself comes to the end of the stack.
  expect(fault(`a:\n  b: 1\n  c${': '.repeat(4000)}`)).toMatch(/^t\.yaml/);
  expect(fault(aliases(4))).toMatch(/The recipe has \d+ faults/);
  expect(fault(aliases(3000))).toBe(deep);
  const doubled = Array.from({ length: 40 }, (_, i) =>
    i === 0 ? 'a0: &a0 [1]' : `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`,
  );
  expect(fault(doubled.join('\n'))).toBe(
    't.yaml: its aliases, written out, are more than 100000 values; write what is meant without them.',
  );
});

test('an override of a prototype changes no object but the recipe', () => {
  isTold(texts[0] ?? '', [
    '__proto__.polluted=1',
    'stages.0.__proto__.polluted=1',
    'constructor.prototype.polluted=1',
  ]);
  expect('polluted' in {}).toBe(false);
});
