/** Random schemas of every keyword: what random models write by them obeys them, and there is always a way on. */
import { expect, test } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import { Rng } from '../../../src/base/rng.ts';
import { END } from '../src/state.ts';
import { value } from '../src/values.ts';
import { JsonSchema } from '../../../src/json/schema.ts';
import type { JsonValue } from '../../../src/json/value.ts';
import { randomRoot, randomText } from '../../../test/fuzz/schemas.ts';

test('what is written by 300 random schemas is found right by the validator of records', () => {
  let [written, refused] = [0, 0];
  for (let seed = 0; seed < 300; seed++) {
    const rng = Rng.seeded(seed, 'schemas');
    const root = randomRoot(rng);
    try {
      const text = randomText(
        value(root, () => END),
        rng,
      );
      if (text === undefined) continue;
      written += 1;
      const fault = new JsonSchema(root).firstFault(JSON.parse(text) as JsonValue);
      expect([seed, text, fault]).toEqual([seed, text, undefined]);
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      refused += 1;
    }
  }
  expect(written).toBeGreaterThan(150);
  expect(refused).toBeGreaterThan(0);
});
