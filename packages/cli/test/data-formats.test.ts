/** Files of `data convert` are read by every other command; and files in other encodings are read, or told as what they are. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainVocabulary } from '../../assistant/src/vocabulary.ts';
import { readDialogues } from '../../../src/data/reading.ts';
import { readTools } from '../../../src/data/tools-file.ts';
import { pyStr } from '../../../src/json/repr.ts';
import { loadRecipe } from '../../../src/recipe/load.ts';
import { runCli } from '../../../test/helpers/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tinystar-formats-'));
const at = (name: string): string => join(folder, name);
const linesOf = (name: string): string[] => readFileSync(at(name), 'utf8').trimEnd().split('\n');

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runCli(args);
  return code === 0 ? stdout : stderr.replaceAll(`${folder}/`, '');
}

beforeAll(() => trainVocabulary({ seed: 1, size: 400, groups: 4 }).save(at('tokenizer')));
afterAll(() => rmSync(folder, { recursive: true }));

/** A row that asks for `tool` to be called with `given`, both as JSON. */
const row = (id: string, tool: string, given = '{}', words = id): string =>
  `{"id": "${id}", "messages": [{"role": "user", "content": "${words}"}, {"role": "assistant", "content": null,` +
  ` "tool_calls": [{"function": {"name": "f", "arguments": ${JSON.stringify(given)}}}]}], "tools": [${tool}]}`;

describe('what data convert writes', () => {
  const integer = '12345678901234567890123';
  const deep = '{"items": '.repeat(90) + '{}' + '}'.repeat(90);
  const good = [
    row('absent', '{"name": "f"}'),
    row('null', '{"name": "f", "description": null, "parameters": null}', ''),
    row('empty', '{"name": "f", "description": "d", "parameters": {}}', 'null'),
    row(
      'mcp',
      '{"name": "f", "inputSchema": {"properties": {"n": {"type": "integer"}}}}',
      `{"n": ${integer}}`,
    ),
    row('twice', '{"name": "f", "parameters": {"n": {}}}', '{"n": 1, "n": 2}'),
    row('half', '{"name": "f"}', '{}', String.raw`half \ud83d of a character`),
    row('deep', `{"name": "f", "parameters": {"n": ${deep}}}`),
    row(
      'names',
      '{"name": "f", "parameters": {"天气": {}, "__proto__": {}}}',
      '{"天气": "北京", "__proto__": 1.0}',
    ),
  ];
  const bad = [
    row('nan', '{"name": "f", "parameters": {"n": {"default": NaN}}}'),
    row('infinite', '{"name": "f", "parameters": {"n": {}}}', '{"n": -Infinity}'),
    row('deeper', `{"name": "f", "parameters": {"n": ${deep.replace('{}', deep)}}}`),
  ];

  test('is read by every other command, and what they could not read is rejected with the reason', async () => {
    writeFileSync(at('in.jsonl'), [...good, ...bad].join('\n'));
    await run('data', 'convert', at('in.jsonl'), '--output', at('out.jsonl'), '--rejects', at('bad.jsonl'));
    expect(linesOf('bad.jsonl').map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      'f has the number NaN, which not every reader of JSON takes.',
      'The arguments of f have the number -Infinity, which not every reader of JSON takes.',
      'f has values that are nested more than 100 levels deep, which not every reader of JSON takes.',
    ]);
    const out = linesOf('out.jsonl');
    expect(out).toHaveLength(good.length);
    expect(out[3]).toContain(`{"n": ${integer}}`);
    const dialogues = Array.from(readDialogues(at('out.jsonl')));
    expect(dialogues.map(({ id }) => id)).toEqual(
      good.map((line) => (JSON.parse(line) as { id: string }).id),
    );
    expect(dialogues.every(({ tools }) => typeof tools[0]?.parameters === 'object')).toBe(true);

    const tokenizer = ['--tokenizer', at('tokenizer')];
    const all = `${good.length} `;
    expect(await run('data', 'label', at('out.jsonl'))).toContain(`Calls in an answer: 1: ${good.length}.`);
    expect(await run('data', 'clean', at('out.jsonl'), '--output', at('clean.jsonl'))).toContain(
      `${all}records`,
    );
    expect(linesOf('clean.jsonl')).toEqual(out);
    const mix = ['data', 'mix', at('out.jsonl'), '--by', 'weights', '--size', '8', ...tokenizer];
    expect(await run(...mix, '--output', at('mixed.jsonl'))).toMatch(/^8 records/m);
    for (const mode of ['star', 'native'])
      expect(
        await run('data', 'render', at('out.jsonl'), ...tokenizer, '--mode', mode, '--output', at('r.jsonl')),
      ).toContain(`${all}training records`);
    expect(await run('data', 'inspect', '--file', at('out.jsonl'), ...tokenizer, '--count', '9')).toMatch(
      /^names /m,
    );
    // Converting records again changes nothing but the source.
    await run('data', 'convert', at('out.jsonl'), '--output', at('again.jsonl'));
    expect(linesOf('again.jsonl')).toEqual(out);
  });
});

describe('files in other encodings', () => {
  const texts: Readonly<Record<string, string>> = {
    'data.jsonl': `${row('é', '{"name": "f"}', '{}', 'a question of some words')}\n`,
    'tools.json': '[{"name": "f", "description": "é", "inputSchema": {"type": "object", "properties": {}}}]',
    'recipe.yaml':
      'name: fmt # é\ndata: { source: assistant }\nmodels: { student: S }\nstages:\n  - { name: sft, kind: sft, model: student, lr: 1e-4 }\n',
  };
  const wide = (text: string): Buffer => Buffer.from(text, 'utf16le');
  /** Bytes of a file, and its reader's words on it: the letter that stands in it, or one sentence. */
  const encodings: Readonly<Record<string, readonly [write: (text: string) => Uint8Array, verdict: RegExp]>> =
    {
      'a byte order mark and carriage returns': [
        (text) => Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`),
        /^é$/,
      ],
      'UTF-16': [(text) => wide(`\uFEFF${text}`), /^é$/],
      'UTF-16 the other way round': [(text) => wide(`\uFEFF${text}`).swap16(), /^é$/],
      'Latin-1': [
        (text) => Buffer.from(text, 'latin1'),
        /^\w+\.\w+ is not UTF-8 \(byte 0xE9 in line 1\); save it/,
      ],
      'UTF-16 without its mark': [wide, /^\w+\.\w+ begins with NUL bytes, as UTF-16 /],
      'a NUL byte': [(text) => Buffer.from(text.replace('é', 'e\0')), /^\w+\.\w+ has a NUL byte in line 1; /],
      gzip: [(text) => gzipSync(text), /^\w+\.\w+ is packed with gzip, not text; unpack it/],
    };

  /** Words of a file's reader on it. */
  async function verdict(name: string): Promise<string> {
    try {
      if (name === 'tools.json') return pyStr(readTools(at(name))[0]?.get('description') ?? '');
      if (name === 'recipe.yaml') return loadRecipe(at(name)).name === 'fmt' ? 'é' : '';
      const dialogues = Array.from(readDialogues(at(name)));
      const [clean, label] = [
        await run('data', 'clean', at(name), '--output', at('o.jsonl'), '--against', at(name)),
        await run('data', 'label', at(name)),
      ];
      return clean.includes('contaminated') && label.includes('single') ? String(dialogues.at(0)?.id) : clean;
    } catch (thrown) {
      return (thrown as Error).message.replaceAll(`${folder}/`, '');
    }
  }

  test.each(Object.keys(texts).flatMap((name) => Object.keys(encodings).map((how) => [name, how] as const)))(
    '%s with %s is read, or refused in one sentence',
    async (name, how) => {
      const [write, said] = encodings[how]!;
      writeFileSync(at(name), write(texts[name]!));
      expect(await verdict(name)).toMatch(said);
    },
  );

  test('data convert leaves out the rows that are not UTF-8, and keeps the others and their bytes', async () => {
    const rows = [row('ü', '{"name": "f"}'), row('u', '{"name": "f"}')];
    const mixed = [Buffer.from(rows[0]!, 'latin1'), Buffer.from(rows[1]!), Buffer.from(rows[0]!)];
    writeFileSync(at('mixed-up.jsonl'), Buffer.concat(mixed.flatMap((bytes) => [bytes, Buffer.from('\n')])));
    const flags = ['--output', at('kept.jsonl'), '--rejects', at('left.jsonl')];
    expect(await run('data', 'convert', at('mixed-up.jsonl'), ...flags)).toMatch(/^rejected +not_utf8 +1$/m);
    expect(linesOf('kept.jsonl').map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['u', 'ü']);
    expect(JSON.parse(linesOf('left.jsonl')[0]!)).toMatchObject({
      where: expect.stringMatching(/:1$/) as string,
      message: 'It is not UTF-8 (byte 0xFC at character 9); save the file as UTF-8.',
      text: rows[0]!.replaceAll('ü', '\udcfc'),
    });
  });

  test('data mix, which reads by places, reads UTF-16 as well', async () => {
    writeFileSync(at('wide.jsonl'), wide(`\uFEFF${texts['data.jsonl']!}`));
    const mix = [
      'data',
      'mix',
      at('wide.jsonl'),
      '--by',
      'weights',
      '--size',
      '1',
      '--output',
      at('m.jsonl'),
    ];
    await run(...mix);
    expect(JSON.parse(readFileSync(at('m.jsonl'), 'utf8'))).toMatchObject(
      JSON.parse(texts['data.jsonl']!) as object,
    );
  });

  test('what is called .gz and is not packed is told', async () => {
    writeFileSync(at('plain.jsonl.gz'), texts['data.jsonl']!);
    expect(await run('data', 'label', at('plain.jsonl.gz'))).toContain(
      'it is not packed with gzip, or not whole',
    );
  });

  test('a tokenizer with byte order marks is the same tokenizer', async () => {
    cpSync(at('tokenizer'), at('marked'), { recursive: true });
    for (const name of readdirSync(at('marked'))) {
      const text = readFileSync(at(`marked/${name}`), 'utf8');
      writeFileSync(at(`marked/${name}`), `\uFEFF${text}`);
    }
    writeFileSync(at('data.jsonl'), texts['data.jsonl']!);
    const render = (tokenizer: string): Promise<string> =>
      run(
        'data',
        'render',
        at('data.jsonl'),
        '--tokenizer',
        at(tokenizer),
        '--output',
        at(`${tokenizer}.jsonl`),
      );
    expect((await render('marked')).replace('marked', 'tokenizer')).toBe(await render('tokenizer'));
    expect(linesOf('marked.jsonl')).toEqual(linesOf('tokenizer.jsonl'));
  });
});
