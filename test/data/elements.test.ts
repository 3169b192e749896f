/** Cutting files into values: the same however the text comes in pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementsOf } from '../../src/data/streams/elements.ts';

async function cut(text: string, at: readonly number[] = []): Promise<string[]> {
  const ends = [...at, text.length].toSorted((a, b) => a - b);
  const chunks = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
  const found: string[] = [];
  for await (const { text: value, place } of elementsOf(chunks, 'data'))
    found.push(`${place} ${value.trim()}`);
  return found;
}

describe('elementsOf', () => {
  it('numbers lines as an editor does, blank ones included', async () => {
    expect(await cut('\uFEFF\n{"a": 1}\r\n\n{"b"')).toEqual(['2 {"a": 1}', '4 {"b"']);
  });

  it('cuts a list at its own commas only, and goes on with the rest of one that is cut short', async () => {
    const text = '[{"a": "],\\"{"}, [1, [2]],\n {"c": {}} , 5]';
    expect(await cut(text)).toEqual(['[1] {"a": "],\\"{"}', '[2] [1, [2]]', '[3] {"c": {}}', '[4] 5']);
    expect(await cut(text.slice(0, 22))).toEqual(['[1] {"a": "],\\"{"}', '[2] [1, [']);
    expect(await cut('[]')).toEqual([]);
  });

  it('refuses a file of blanks without end, and goes over each of them once', async () => {
    const blanks = ' '.repeat(2 ** 16);
    const chunks = function* (count: number): Generator<string> {
      for (let i = 0; i < count; i++) yield blanks;
      yield '\n{"a": 1}';
    };
    const found: string[] = [];
    for await (const { text, place } of elementsOf(chunks(200), 'data')) found.push(`${place} ${text}`);
    expect(found).toEqual(['2 {"a": 1}']);
    const all = async (): Promise<void> => {
      for await (const element of elementsOf(chunks(2000), 'data')) expect(element).toBeUndefined();
    };
    await expect(all()).rejects.toThrow(/data has a value of more than 67108864 characters/);
  });

  it('finds the same values wherever the pieces end', async () => {
    const values = fc.array(fc.json(), { minLength: 1, maxLength: 6 });
    const cuts = fc.array(fc.nat(200), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(values, cuts, fc.boolean(), async (items, at, asList) => {
        const text = asList ? `[${items.join(', ')}]` : `{}\n${items.join('\n')}`;
        const inside = at.filter((place) => place < text.length);
        expect(await cut(text, inside)).toEqual(await cut(text));
        const count = (await cut(text)).length;
        expect(count).toBe(asList ? items.length : items.filter((item) => item.trim() !== '').length + 1);
      }),
    );
  });
});
