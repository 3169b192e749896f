/** Converters against small files of every format, each with rows that are broken; and against real rows. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { type ConvertOptions, convertRow, convertRows, Tally } from '../../src/data/convert.ts';
import { formatNamed, formats } from '../../src/data/formats/index.ts';
import { type DataRecord, readRecord, recordLine } from '../../src/data/record.ts';
import { fileRows } from '../../src/data/streams/rows.ts';
import { dumps } from '../../src/json/dumps.ts';
import { parseJson } from '../../src/json/parse.ts';
import { fromJson } from '../../src/json/python.ts';
import type { JsonValue } from '../../src/json/value.ts';
import { goldenFile } from '../helpers/golden-folder.ts';

const fixtures = fileURLToPath(new URL('../fixtures/formats/', import.meta.url));
const real = goldenFile('xlam-1024.jsonl');
const bfcl = new URL('../../packages/benchmarks/test/golden/bfcl-v3.jsonl.br', import.meta.url);
/** Not ours to give: where it is missing, its test says so. */
const acebench = fileURLToPath(new URL('../../../shared/data/acebench-2025-10/data_en/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'convert-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Result {
  readonly records: DataRecord[];
  readonly reasons: Record<string, number>;
  readonly places: string[];
}

async function convert(path: string, options: ConvertOptions = {}): Promise<Result> {
  const [records, reasons, places]: [DataRecord[], Tally, string[]] = [[], new Tally(), []];
  for await (const result of convertRows(fileRows(path), options)) {
    if ('record' in result) records.push(result.record);
    else {
      reasons.add(result.rejected.code);
      places.push(result.rejected.where.replace(/^.*\//, ''));
    }
  }
  return { records, reasons: Object.fromEntries(reasons.entries()), places };
}

const fixture = (name: string, options?: ConvertOptions): Promise<Result> =>
  convert(fixtures + name, options);

/** The last message as its roles, words, thought and calls in JSON. */
function answer({ messages }: DataRecord): string {
  const { content, reasoning, toolCalls = [] } = messages.at(-1)!;
  const calls = toolCalls.map((call) => `${call.name}${dumps(call.arguments)}`);
  return [...(reasoning === undefined ? [] : [`(${reasoning})`]), content, ...calls]
    .filter(Boolean)
    .join(' ');
}

const roles = ({ messages }: DataRecord): string => messages.map(({ role }) => role[0]).join('');

describe('xLAM', () => {
  it('reads JSON text and JSON, keeps numbers as they are, and counts every kind of broken row', async () => {
    const { records, reasons, places } = await fixture('xlam.jsonl');
    expect(records.map(answer)).toEqual([
      'set_timer{"minutes": 5, "label": "tea"}',
      'set_lights{"room": "kitchen", "level": 5.0} set_timer{"minutes": 12345678901234567890}',
    ]);
    expect(records.map(({ id, source }) => [id, source])).toEqual([
      ['xlam-1', 'xlam'],
      ['xlam-2', 'xlam'],
    ]);
    expect(reasons).toEqual({
      not_json: 1,
      not_object: 1,
      unknown_function: 1,
      unknown_argument: 1,
      call: 1,
      tools: 1,
      no_query: 1,
      arguments: 1,
    });
    expect(places[0]).toBe('xlam.jsonl:3');
  });

  it('reads one large JSON list', async () => {
    const [lines, list] = [await fixture('xlam.jsonl'), await fixture('xlam.json')];
    expect(list.records.map((record) => recordLine(record))).toEqual(
      lines.records.map((record) => recordLine(record)),
    );
  });

  it('keeps parameters as they are, or turns both of their forms into JSON Schema', async () => {
    const [raw, schema] = [await fixture('xlam.jsonl'), await fixture('xlam.jsonl', { jsonSchema: true })];
    expect(dumps(raw.records[0]!.tools[0]!.get('parameters')!)).toBe(
      '{"minutes": {"description": "How long", "type": "int"}, "label": {"description": "What for", "type": "str, optional", "default": ""}}',
    );
    expect(schema.records[0]!.tools.map((tool) => dumps(tool.get('parameters')!))).toEqual([
      '{"type": "object", "properties": {"minutes": {"type": "integer", "description": "How long"}, "label": {"type": "string", "description": "What for", "default": ""}}, "required": ["minutes"]}',
      '{"type": "object", "properties": {"room": {"type": "string"}, "level": {"type": "number", "default": 5.0}}, "required": ["room"]}',
    ]);
  });
});

describe('Hammer irrelevance', () => {
  it('takes the words of the row, or those that are given for all', async () => {
    const hammer = formatNamed('hammer');
    const without = await fixture('hammer.jsonl', { format: hammer });
    expect(without.records.map(answer)).toEqual(['I cannot sing with these tools.']);
    expect(without.reasons).toEqual({ no_answer: 1, not_irrelevant: 1 });
    const given = await fixture('hammer.jsonl', { format: hammer, refusal: 'No tool fits.' });
    expect(given.records.map(answer)).toEqual(['No tool fits.', 'I cannot sing with these tools.']);
  });
});

describe('ToolACE', () => {
  it('merges calls in a row, reads Python, mends shortened names, and makes every answer a record', async () => {
    const { records, reasons } = await fixture('toolace.jsonl');
    expect(records.map(answer)).toEqual([
      'Market Trends API{"trend_type": "MARKET_INDEXES", "n": 3} newAddress{"name": "It\'s", "tags": [1, 2.0, true, null, {"a": "b"}]}',
      'Here you are.',
      'Market Trends API{"n": 1}',
      'Sorry.',
    ]);
    expect(records.map(roles)).toEqual(['sua', 'suata', 'sua', 'suatata']);
    // Of the system's words the list of tools alone is left out.
    expect(records[0]!.messages[0]!.content).toMatch(/^You are an expert .* can invoke:\n\. \nShould you /);
    expect(records[1]!.tools.map((tool) => tool.get('name'))).toEqual(['Market Trends API', 'newAddress']);
    expect(records.map(({ id }) => id)).toEqual([
      'toolace-1-turn-1',
      'toolace-1-turn-2',
      'toolace-2-turn-1',
      'toolace-2-turn-3',
    ]);
    expect(reasons).toEqual({ unknown_argument: 1, call: 1, unknown_format: 1, empty_answer: 1, role: 1 });
  });

  it('reads its cleaned edition, whose lists are JSON text and whose calls are messages of their own', async () => {
    const { records, reasons } = await fixture('toolace-cleaned.jsonl');
    expect(records.map(answer)).toEqual([
      'Set Timer{"minutes": 5} set_lights{"room": "kitchen"}',
      'Both done.',
    ]);
    expect(records[1]!.messages[2]!.content).toBe('[{"ok": true, "n": 1.0}]');
    expect(reasons).toEqual({ unknown_argument: 1, messages: 1 });
  });
});

describe('OpenAI chat', () => {
  it('reads wrapped tools, arguments as text, parts of content, thoughts and the older function_call', async () => {
    const { records, reasons } = await fixture('openai.jsonl');
    expect(records.map(answer)).toEqual(['Done.', '(Think.) Gone.', 'set_timer{"minutes": 1}']);
    expect(records.map(roles)).toEqual(['suata', 'ua', 'ua']);
    expect(records[0]!.messages[1]!.content).toBe('Five minutes');
    expect(records.map(({ id }) => id)).toEqual(['chat-1', 'own', 'chat-3']);
    expect(reasons).toEqual({ arguments: 1, no_answer: 1, content: 1, role: 1, no_user: 1, think: 1 });
  });

  it('reads calls that are written into the text, and keeps the words around them', () => {
    const block = '<tool_call>\n{"name": "hash", "arguments": {"mode": 5.0}}\n</tool_call>';
    const rowOf = (content: string): string =>
      `{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": ${JSON.stringify(content)}}], "tools": [{"name": "hash", "parameters": {"mode": {}}}]}`;
    const converted = (content: string) =>
      convertRow({ where: 'x:1', value: parseJson(rowOf(content)) }, {}).map((result) =>
        'record' in result ? answer(result.record) : result.rejected.code,
      );
    expect(converted(`${block}\n${block}`)).toEqual(['hash{"mode": 5.0} hash{"mode": 5.0}']);
    expect(converted(`<think>\nHm.\n</think>\n\nNow.\n${block}`)).toEqual(['(Hm.) Now. hash{"mode": 5.0}']);
    expect(converted('<tool_call>{"name": ')).toEqual(['call']);
    expect(converted(block.replace('mode', 'node'))).toEqual(['unknown_argument']);
  });

  it('makes every answer a record when asked to', async () => {
    const { records } = await fixture('openai.jsonl', { everyTurn: true });
    expect(records.map(roles)).toEqual(['sua', 'suata', 'ua', 'ua']);
  });
});

describe('ToolMind and ShareGPT', () => {
  it('splits thoughts from content, and refuses a system message as the reference does', async () => {
    const { records, reasons } = await fixture('toolmind.jsonl');
    expect(records.map(answer)).toEqual(['(Then tell.) It runs.', '(Hash it.) hash{"mode": 256}']);
    // A table of parameters under the name "arguments", as in one of its rows.
    expect(dumps(records[1]!.tools[0]!)).toBe(
      '{"name": "hash", "description": "d", "parameters": {"mode": {"type": "int", "default": "256"}}}',
    );
    expect(records[0]!.messages[1]!.reasoning).toBe('First look.');
    expect(reasons).toEqual({ system: 1, think: 1 });
  });

  it('reads calls as messages of their own and as tags', async () => {
    const { records, reasons } = await fixture('sharegpt.jsonl');
    expect(records.map(answer)).toEqual([
      'Done.',
      '(Two.) set_timer{"minutes": 1.0} set_timer{"minutes": 2}',
    ]);
    expect(records[0]!.messages[2]!.toolCalls).toHaveLength(2);
    expect(reasons).toEqual({ call: 2 });
  });
});

describe('questions of benchmarks', () => {
  it('reads BFCL, all turns of a question', async () => {
    const { records, reasons } = await fixture('bfcl.jsonl');
    expect(records.map(({ id, messages }) => `${id} ${messages.length}`)).toEqual([
      'simple_0 1',
      'multi_turn_0 2',
    ]);
    expect(reasons).toEqual({ no_messages: 1, messages: 1 });
  });

  it('reads ACEBench, dialogues that are one text', async () => {
    const { records, reasons } = await fixture('acebench.jsonl');
    expect(records.map(({ messages }) => messages.map(({ role, content }) => `${role}: ${content}`))).toEqual(
      [
        ['user: Tea for two: now', 'assistant: How strong?', 'user: Very\nstrong.'],
        ['user: Your name is Eve. You want tea.'],
      ],
    );
    expect(reasons).toEqual({ no_question: 1 });
  });
});

describe('rows of any other kind', () => {
  const leaf = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('[]', '[{"role": "user"}]', '{', '[f(x=1)]'),
  );
  const object = (keys: readonly string[], value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: keys.length });
  const call = object(['name', 'arguments', 'function', 'parameters'], leaf);
  const tool = object(['name', 'description', 'parameters', 'arguments', 'function', 'type'], leaf);
  const role = fc.constantFrom('system', 'user', 'assistant', 'tool', 'gpt', 'human', 'function_call');
  const said = fc.record({ content: fc.string(), value: fc.string() });
  const more = object(
    ['tool_calls', 'function_call', 'reasoning_content', 'content'],
    fc.array(call, { maxLength: 2 }),
  );
  const message = fc
    .tuple(fc.record({ role, from: role }), said, fc.option(more))
    .map((parts) => Object.assign({}, ...parts) as unknown);
  const listOf = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 4, arbitrary: fc.array(item, { maxLength: 4 }) }, leaf);
  const anyRow = fc.record(
    {
      id: leaf,
      query: fc.oneof(fc.string(), leaf),
      answers: listOf(call),
      tools: listOf(tool),
      messages: listOf(message),
      conversations: listOf(message),
      system: leaf,
      question: fc.oneof(listOf(fc.array(message, { maxLength: 2 })), fc.string()),
      function: listOf(tool),
    },
    { requiredKeys: [] },
  );

  it('become records that can be read back, or are left out with a reason', () => {
    let records = 0;
    fc.assert(
      fc.property(anyRow, fc.boolean(), fc.boolean(), (row, everyTurn, jsonSchema) => {
        const python = fromJson(row as JsonValue);
        for (const format of [undefined, ...formats]) {
          const options = {
            everyTurn,
            jsonSchema,
            refusal: 'No.',
            ...(format === undefined ? {} : { format }),
          };
          for (const result of convertRow({ where: 'row:1', value: python }, options)) {
            if ('rejected' in result) continue;
            const line = recordLine(result.record);
            expect(recordLine(readRecord(parseJson(line), 'here'))).toBe(line);
            records += 1;
          }
        }
      }),
      { numRuns: 200, seed: 3 },
    );
    expect(records).toBeGreaterThan(40);
  });
});

describe('packed files', () => {
  it('reads .gz and .parquet as it reads text', async () => {
    const lines = (await fixture('xlam.jsonl')).records.map((record) => recordLine(record));
    const gz = join(scratch, 'xlam.json.gz');
    const rows = lines.map((line) => parseJson(line) as ReadonlyMap<string, never>);
    writeFileSync(gz, gzipSync(lines.join('\n')));
    expect((await convert(gz, { source: 'xlam' })).records.map((record) => recordLine(record))).toEqual(
      lines,
    );
    const parquet = join(scratch, 'xlam.parquet');
    const column = (name: string): string[] => rows.map((row) => dumps(row.get(name)!));
    parquetWriteFile({
      filename: parquet,
      columnData: [
        { name: 'id', data: [1n, 2n], type: 'INT64' },
        { name: 'query', data: ['Five minutes for tea', 'Both'], type: 'STRING' },
        {
          name: 'answers',
          data: ['[{"name": "set_timer", "arguments": {"minutes": 5}}]', '[]x'],
          type: 'STRING',
        },
        { name: 'tools', data: column('tools'), type: 'STRING' },
      ],
    });
    const read = await convert(parquet);
    expect(read.records.map(answer)).toEqual(['set_timer{"minutes": 5}']);
    expect(read.records[0]!.id).toBe('xlam-1');
    expect(read.reasons).toEqual({ call: 1 });
    expect(read.places).toEqual(['xlam.parquet[2]']);
  });

  it('gives up on a damaged .parquet that its library reads for ever', async () => {
    // A page's header lacks the lengths of its levels; found by the fuzzer (--seed 21 --kind parquet --index 436).
    const damaged = fileURLToPath(new URL('../fixtures/page-without-lengths.parquet', import.meta.url));
    await expect(convert(damaged)).rejects.toThrow(
      /its rows take longer than 5 s to decode.*check that the file is whole/,
    );
  });

  it('keeps floats of parquet apart from integers, also in structs and lists', async () => {
    const filename = join(scratch, 'numbers.parquet');
    parquetWriteFile({
      filename,
      columnData: [
        { name: 'float', data: [5, 5.5] },
        { name: 'whole', data: [5, 6] },
        {
          name: 'call',
          data: [
            { x: 5, ys: [1, 2], n: [3, 4] },
            { x: 6, ys: [], n: [] },
          ],
        },
      ],
      schema: [
        { name: 'root', num_children: 3 },
        { name: 'float', type: 'DOUBLE', repetition_type: 'REQUIRED' },
        { name: 'whole', type: 'INT32', repetition_type: 'REQUIRED' },
        { name: 'call', repetition_type: 'REQUIRED', num_children: 3 },
        { name: 'x', type: 'FLOAT', repetition_type: 'REQUIRED' },
        ...(['ys', 'n'] as const).flatMap((name) => [
          { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' } as const,
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 } as const,
          { name: 'element', type: name === 'ys' ? 'DOUBLE' : 'INT32', repetition_type: 'REQUIRED' } as const,
        ]),
      ],
    });
    const rows: string[] = [];
    for await (const { value } of fileRows(filename)) rows.push(dumps(value!));
    expect(rows).toEqual([
      '{"float": 5.0, "whole": 5, "call": {"x": 5.0, "ys": [1.0, 2.0], "n": [3, 4]}}',
      '{"float": 5.5, "whole": 6, "call": {"x": 6.0, "ys": [], "n": []}}',
    ]);
  });

  it('says which file is missing, cut short or no parquet', async () => {
    const [cut, fake] = [join(scratch, 'cut.jsonl.gz'), join(scratch, 'fake.parquet')];
    writeFileSync(cut, gzipSync('{"a": 1}\n'.repeat(1000)).subarray(0, 40));
    writeFileSync(fake, 'PAR1, or not');
    await expect(convert(cut)).rejects.toThrow(/^Cannot read .*cut\.jsonl\.gz/);
    await expect(convert(fake)).rejects.toThrow(/^Cannot read .*fake\.parquet as parquet/);
    await expect(convert(join(scratch, 'none.jsonl'))).rejects.toThrow('does not exist');
  });
});

describe('records', () => {
  it('read back as they were written, half characters and keys that look like numbers included', () => {
    const line =
      '{"id": "a", "source": "s", "messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": {"2": 1.0, "1": 1, "__proto__": -0.0}}]}], "tools": []}';
    const record = readRecord(parseJson(line), 'here');
    expect(recordLine(record)).toBe(line);
  });
});

describe('real rows', () => {
  it('converts all 1,024, with the values that they have', async () => {
    const { records, reasons } = await convert(real);
    expect([records.length, reasons]).toEqual([1024, {}]);
    let index = 0;
    for await (const { value } of fileRows(real)) {
      const row = value as ReadonlyMap<string, never>;
      const record = records[index++]!;
      expect(dumps(record.tools)).toBe(dumps(row.get('tools')!));
      expect(record.id).toBe(row.get('id'));
    }
  });

  /** Converts every file of a folder whose name fits, all rows of which must become records, and counts those. */
  async function everyQuestion(folder: string, names: RegExp): Promise<number> {
    let count = 0;
    for (const name of readdirSync(folder).filter((one) => names.test(one))) {
      const { records, reasons } = await convert(join(folder, name));
      expect(reasons, name).toEqual({});
      count += records.length;
    }
    return count;
  }

  it('reads every question of BFCL version 3', async () => {
    for (const line of brotliDecompressSync(readFileSync(bfcl)).toString('utf8').trimEnd().split('\n')) {
      const { path, text } = JSON.parse(line) as { readonly path: string; readonly text: string };
      if (path.startsWith('BFCL_v3_')) writeFileSync(join(scratch, path), text);
    }
    expect(await everyQuestion(scratch, /^BFCL_v3_/)).toBeGreaterThan(4000);
  });

  it.skipIf(!existsSync(acebench))(
    'reads every question of ACEBench, where it is beside the repository',
    async () => {
      expect(await everyQuestion(acebench, /^data_.*json$/)).toBeGreaterThan(1000);
    },
  );
});
