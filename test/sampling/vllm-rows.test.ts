/** Rows of vLLM's completions: read beside JSON.parse, and equal to what it reads. */
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { TopEntries } from '../../src/sampling/served/protocol.ts';
import { parseCompletions } from '../../src/sampling/served/vllm-rows.ts';

/** A body whose first choice has these rows, as the text that stands for them. */
const bodyOf = (rows: string, text = ''): string =>
  `{"id":"c","choices":[{"index":0,"text":${JSON.stringify(text)},"logprobs":{"tokens":["token_id:1"],"top_logprobs":${rows}}}]}`;

interface Body {
  readonly choices: readonly {
    readonly text: string;
    readonly logprobs: { readonly top_logprobs: unknown };
  }[];
}
const parsed = (text: string) => (parseCompletions(text) as Body).choices[0];

/** Rows as JSON.parse has them, in floats. */
const entriesOf = (rows: string): (TopEntries | undefined)[] =>
  (JSON.parse(rows) as (Record<string, number> | null)[]).map((row) =>
    row === null
      ? undefined
      : TopEntries.of(Object.entries(row).map(([key, value]) => [Number(key.slice(9)), value])),
  );

describe('rows of log-probabilities', () => {
  test('are floats that JSON.parse gives, whatever their digits', () => {
    const rng = Rng.seeded(3);
    for (let round = 0; round < 300; round++) {
      const rows = Array.from({ length: 3 }, () => {
        const ids = [...new Set(Array.from({ length: 40 }, () => 10_000_000 + rng.below(10_000_000)))];
        return Object.fromEntries(
          ids.map((id) => [`token_id:${id}`, Math.fround(-(10 ** (16 * rng.uniform() - 12)))]),
        );
      });
      const text = JSON.stringify(rows);
      expect(parsed(bodyOf(text))?.logprobs.top_logprobs).toEqual(entriesOf(text));
    }
  });

  test.each([
    '[]',
    '[null,{"token_id:5":-0.25}]',
    '[{}]',
    '[{"token_id:0":0,"token_id:7":-0.0,"token_id:8":-9999.0}]',
    '[{"token_id:5":-1e-05,"token_id:6":-1.5E+2,"token_id:7":-3.4028234663852886e+38}]',
    '[{"token_id:5":-0.00000000000000000000000000012345}]',
    ' [ { "token_id:5" : -0.1 , "token_id:6" : -2\n} ,\tnull ] ',
  ])('are read from %s', (rows) => {
    expect(parsed(bodyOf(rows))?.logprobs.top_logprobs).toEqual(entriesOf(rows));
  });

  test.each([
    '[{"the":-0.5}]',
    '[{"token_id:x":-0.5}]',
    '[{"token_id:5":null}]',
    '[{"token_id:5":-0.5,"token_id:1234567890123":-1}]',
    '[{"token_id:5":{"logprob":-0.5}}]',
    '[[-0.5,5]]',
    'null',
    '5',
    '"none"',
  ])('of another form are what JSON.parse makes of them: %s', (rows) => {
    const body = bodyOf(rows);
    expect(parseCompletions(body)).toEqual(JSON.parse(body));
  });

  test('that are not a choice’s stay objects', () => {
    const body = `{"choices":[],"top_logprobs":[{"token_id:5":-0.5}],"more":${bodyOf('[{"token_id:5":-0.5}]')}}`;
    expect(parseCompletions(body)).toEqual(JSON.parse(body));
  });

  test('are not looked for inside of an answer’s text', () => {
    const text = '{"top_logprobs":[{"token_id:5":-0.5}]} "top_logprobs":[7]';
    const choice = parsed(bodyOf('[{"token_id:6":-1}]', text));
    expect(choice?.text).toBe(text);
    expect(choice?.logprobs.top_logprobs).toEqual([TopEntries.of([[6, -1]])]);
  });

  test.each(['[{"token_id:5":-0.5}', '[{"token_id:5":-0.', '[{"token_id:5":', '[{"token_id'])(
    'that end in the middle are no JSON: %s',
    (rows) => {
      const [whole = ''] = bodyOf(rows).split('}}]}');
      expect(() => parseCompletions(whole)).toThrow(SyntaxError);
    },
  );
});
